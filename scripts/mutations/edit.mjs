import { readFileSync } from 'node:fs';
import { transformSync } from '@swc/core';

/** The text of a file with a mutation applied. Throws unless the text to replace occurs exactly once. */
export function mutated({ name, file, find, replace }) {
  const text = readFileSync(file, 'utf8');
  const found = text.split(find).length - 1;
  if (found !== 1)
    throw new Error(`The mutation "${name}" no longer applies: its text occurs ${found} times in ${file}.`);
  return text.replace(find, () => replace);
}

/** Compiles the mutated file to JavaScript by removing its types. Throws for text that is not TypeScript. */
export function compiled(mutation) {
  const { code } = transformSync(mutated(mutation), {
    filename: mutation.file,
    jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
    module: { type: 'es6' },
    sourceMaps: false,
  });
  return code;
}
