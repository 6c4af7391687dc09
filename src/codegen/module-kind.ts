/** ES modules or CommonJS: which of them generated code is, and how each is written. */
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ConfigError } from '../errors.js';

/** What a generated `.js` file is. */
export type ModuleKind = 'esm' | 'commonjs';

export const MODULE_KINDS: readonly ModuleKind[] = ['esm', 'commonjs'];

/**
 * What Node takes a `.js` file in `folder` for: the nearest package.json decides by its `type`, and without one it is CommonJS.
 * The folder need not exist yet. Throws ConfigError when that package.json cannot be read.
 */
export async function moduleKindOf(folder: string): Promise<ModuleKind> {
  for (let here = resolve(folder); ; here = dirname(here)) {
    const file = join(here, 'package.json');
    const text = await readFile(file, 'utf8').catch((cause: unknown) => noFile(cause, file));
    if (text !== undefined) return typeIn(text, file) === 'module' ? 'esm' : 'commonjs';
    if (here === dirname(here)) return 'commonjs';
  }
}

/** One imported module: local names by exported names. */
export interface ImportedNames {
  readonly specifier: string;
  readonly names: ReadonlyMap<string, string>;
}

/** The first lines of a module, behind its header comment. */
export function emitImports(kind: ModuleKind, imported: readonly ImportedNames[]): readonly string[] {
  if (kind === 'esm') return imported.map((one) => importStatement('import', one));
  return [
    "'use strict';",
    "globalThis.Object.defineProperty(exports, '__esModule', { value: true });",
    ...imported.map(({ specifier, names }) => `const ${listOf(names, ': ')} = require('${specifier}');`),
  ];
}

/** `keyword` is `import` or `import type`. */
export function importStatement(keyword: string, { specifier, names }: ImportedNames): string {
  return `${keyword} ${listOf(names, ' as ')} from '${specifier}';`;
}

/** The last lines of a module that exports `names`. */
export function emitExports(kind: ModuleKind, names: readonly string[]): string {
  if (kind === 'esm') return names.length === 0 ? 'export {};' : `export { ${names.join(', ')} };`;
  // One assignment a line: that is what Node recognizes, so that ES modules can import each name.
  return names.map((name) => `exports.${name} = ${name};`).join('\n');
}

function listOf(names: ReadonlyMap<string, string>, rename: string): string {
  return `{ ${[...names].map(([name, local]) => (name === local ? name : `${name}${rename}${local}`)).join(', ')} }`;
}

function noFile(cause: unknown, file: string): undefined {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
  const reason = cause instanceof Error ? cause.message : String(cause);
  throw new ConfigError(`${file} says which kind of modules to make, but cannot be read: ${reason}.`, { cause });
}

function typeIn(text: string, file: string): unknown {
  try {
    const content: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    return typeof content === 'object' && content !== null && 'type' in content ? content.type : undefined;
  } catch (cause) {
    throw new ConfigError(
      `${file} says which kind of modules to make, but is not JSON. Repair it, or say the kind: --module esm or --module commonjs.`,
      { cause },
    );
  }
}
