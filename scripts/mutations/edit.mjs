import { readFileSync } from 'node:fs';
import { transformSync } from '@swc/core';

/** The text of a file with a mutation in it. Throws when what is to be replaced does not stand there exactly once. */
export function mutated({ name, file, find, replace }) {
  const text = readFileSync(file, 'utf8');
  const found = text.split(find).length - 1;
  if (found !== 1)
    throw new Error(`The mutation "${name}" no longer applies: its text stands ${found} times in ${file}.`);
  return text.replace(find, () => replace);
}

/** Its JavaScript. The types are those of the original: nothing but them is taken away. Throws for text that is no TypeScript. */
export function compiled(mutation) {
  const { code } = transformSync(mutated(mutation), {
    filename: mutation.file,
    jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
    module: { type: 'es6' },
    sourceMaps: false,
  });
  return code;
}
