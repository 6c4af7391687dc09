/** Texts of users in generated code, as strings and comments: whatever they hold, none of it becomes code. */
import type { FileSchema } from './schema.js';

/** A doc comment at `indent`, as lines; none for no text. */
export function docComment(text: string | undefined, indent: string): readonly string[] {
  if (text === undefined || text.trim() === '') return [];
  const lines = text.replaceAll('*/', '*\u200b/').split('\n');
  if (lines.length === 1) return [`${indent}/** ${lines[0]} */`];
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`.trimEnd()), `${indent} */`];
}

/** The first lines of a generated file. */
export function header({ path, leftOut }: FileSchema): string {
  const lines = leftOut.map((reason) => `// Left out, since nothing here needs it: ${reason.replace(/\s+/g, ' ')}`);
  return [`// Made by \`millrace gen\` from ${path}: do not edit.`, ...lines].join('\n');
}

/** `text` as a JavaScript string, whatever it holds. */
export function quoted(text: string): string {
  const escaped = JSON.stringify(text)
    .slice(1, -1)
    .replaceAll('\\"', '"')
    .replaceAll("'", "\\'")
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
  return `'${escaped}'`;
}
