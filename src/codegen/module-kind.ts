/** ES modules or CommonJS: which of them generated code is, and how each is written. */
import { dirname, join, resolve } from 'node:path';
import { ConfigError } from '../errors.js';
import { messageOf } from '../foreign.js';
import { readManifest } from '../installation.js';
import { quoted } from './texts.js';

/** What a generated `.js` file is. */
export type ModuleKind = 'esm' | 'commonjs';

export const MODULE_KINDS: readonly ModuleKind[] = ['esm', 'commonjs'];

/**
 * What Node takes a `.js` file in `folder` for: the nearest package.json decides by its `type`, and without one it is CommonJS.
 * The folder need not exist yet. Throws ConfigError when that package.json cannot be read.
 */
export function moduleKindOf(folder: string): ModuleKind {
  for (let here = resolve(folder); ; here = dirname(here)) {
    const file = join(here, 'package.json');
    const manifest = read(file);
    if (manifest !== undefined) return manifest['type'] === 'module' ? 'esm' : 'commonjs';
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
  if (kind === 'esm')
    return imported.map((one) => importStatement('import', { ...one, specifier: urlOf(one.specifier) }));
  return [
    "'use strict';",
    "globalThis.Object.defineProperty(exports, '__esModule', { value: true });",
    ...imported.map(({ specifier, names }) => `const ${listOf(names, ': ')} = require(${quoted(specifier)});`),
  ];
}

/** `keyword` is `import` or `import type`. */
export function importStatement(keyword: string, { specifier, names }: ImportedNames): string {
  return `${keyword} ${listOf(names, ' as ')} from ${quoted(specifier)};`;
}

/** The last lines of a module that exports `names`. */
export function emitExports(kind: ModuleKind, names: readonly string[]): string {
  if (kind === 'esm') return names.length === 0 ? 'export {};' : `export { ${names.join(', ')} };`;
  // One assignment a line: that is what Node recognizes, so that ES modules can import each name.
  return names.map((name) => `exports.${name} = ${name};`).join('\n');
}

/** Node reads the specifiers of ES modules as URLs; those of types and of `require` are paths. */
function urlOf(specifier: string): string {
  if (!/^\.\.?\//.test(specifier)) return specifier;
  return specifier.replace(/[%#?]/g, (character) => encodeURIComponent(character));
}

function listOf(names: ReadonlyMap<string, string>, rename: string): string {
  return `{ ${[...names].map(([name, local]) => (name === local ? name : `${name}${rename}${local}`)).join(', ')} }`;
}

function read(file: string): ReturnType<typeof readManifest> {
  try {
    return readManifest(file);
  } catch (cause) {
    throw new ConfigError(
      `The kind of modules to make is not known: ${messageOf(cause)} Repair that file, or say the kind: --module esm or --module commonjs.`,
      { cause },
    );
  }
}
