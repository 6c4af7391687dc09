import { readFileSync } from 'node:fs';

let mutation;

export function initialize(data) {
  mutation = data;
}

export function load(url, context, next) {
  if (url !== mutation.url) return next(url, context);
  return { format: 'module', source: readFileSync(mutation.file, 'utf8'), shortCircuit: true };
}
