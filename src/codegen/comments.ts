/** A doc comment at `indent`, as lines; none for no text. */
export function docComment(text: string | undefined, indent: string): readonly string[] {
  if (text === undefined || text.trim() === '') return [];
  const lines = text.replaceAll('*/', '*\u200b/').split('\n');
  if (lines.length === 1) return [`${indent}/** ${lines[0]} */`];
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`.trimEnd()), `${indent} */`];
}

export function header(path: string): string {
  return `// Made by \`millrace gen\` from ${path}: do not edit.`;
}
