import type { FileSchema } from './schema.js';

/** A doc comment at `indent`, as lines; none for no text. */
export function docComment(text: string | undefined, indent: string): readonly string[] {
  if (text === undefined || text.trim() === '') return [];
  const lines = text.replaceAll('*/', '*\u200b/').split('\n');
  if (lines.length === 1) return [`${indent}/** ${lines[0]} */`];
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`.trimEnd()), `${indent} */`];
}

/** How every generated file begins, and no other. */
export const MADE = '// Made by `millrace gen` from ';

/** The first lines of a generated file. */
export function header({ path, leftOut }: FileSchema): string {
  const lines = leftOut.map((reason) => `// Left out, since nothing here needs it: ${reason.replace(/\s+/g, ' ')}`);
  return [`${MADE}${path}: do not edit.`, ...lines].join('\n');
}
