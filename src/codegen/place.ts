/** Where a declaration stands, and what every kind of declaration is checked for there. */
import type { Features } from './features.js';
import type { Symbols } from './symbols.js';
import { type FileNode, refusal } from './syntax/index.js';

export interface Place {
  readonly file: FileNode;
  readonly symbols: Symbols;
  /** What descriptor.proto declares: the options that every file has. */
  readonly builtIn: Symbols;
  /** Of the file. */
  readonly features: Features;
}

/** Refuses `__proto__`, which in an object literal is not a property. */
export function checkProto(name: string, what: string, line: number, file: FileNode): void {
  if (name !== '__proto__') return;
  throw refusal(file.path, line, `${what} cannot be called "__proto__" in JavaScript. Choose another name.`);
}

/** What an error says about a type `name` that a file does not see. */
export function importHint(name: string, symbols: Symbols): string {
  const declaring = symbols.declaringFile(name);
  return declaring === undefined ? 'Is an import missing?' : `${declaring} declares one. Is its import missing?`;
}
