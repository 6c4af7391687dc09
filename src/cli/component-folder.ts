/** Where the components of `millrace dev` and `millrace up` are. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../index.js';
import { readManifest } from '../installation.js';
import { moduleUrl } from './packages.js';
import { quoted } from './program-args.js';

export interface ComponentFolder {
  readonly folder: string;
  /** The modules that are there now, by their paths. */
  list(): readonly string[];
  /** Whether this module has the program. */
  isMain(file: string): boolean;
}

const MODULE = /(?<!\.(test|spec|config))\.m?js$/;
const MAINS = ['main.js', 'main.mjs'];

/**
 * A file is one module. A folder has the modules that lie in it, and `main.js` or `main.mjs` has the program; a folder whose package.json names a module or a folder as
 * `"millrace"` has those of there. Throws ConfigError.
 */
export function componentFolder(given: string): ComponentFolder {
  const path = resolve(given);
  if (given === '' || !existsSync(path)) {
    throw new ConfigError(`There is no ${quoted(given)}: name a folder with modules, or a JavaScript file.`);
  }
  if (!statSync(path).isDirectory()) return moduleOf(given);
  const named = readManifest(join(path, 'package.json'))?.['millrace'];
  if (typeof named !== 'string') return folderOf(path);
  const there = join(path, named);
  if (existsSync(there) && statSync(there).isDirectory()) return folderOf(there);
  const main = fileURLToPath(moduleUrl(given));
  return { ...folderOf(dirname(main)), isMain: (file) => file === main };
}

/** Whether `millrace up` serves the components of a folder: it is one, and no package.json names a module there as `"millrace"`. */
export function isComponentFolder(given: string): boolean {
  const path = resolve(given);
  if (given === '' || !existsSync(path) || !statSync(path).isDirectory()) return false;
  const named = readManifest(join(path, 'package.json'))?.['millrace'];
  if (typeof named !== 'string') return folderOf(path).list().length > 0;
  const there = join(path, named);
  return existsSync(there) && statSync(there).isDirectory();
}

function moduleOf(given: string): ComponentFolder {
  const module = fileURLToPath(moduleUrl(given));
  return { folder: dirname(module), list: () => (existsSync(module) ? [module] : []), isMain: () => true };
}

/** The modules of a folder, whatever its package.json names. */
export function folderOf(folder: string): ComponentFolder {
  const list = (): readonly string[] =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() && MODULE.test(entry.name))
      .map(({ name }) => join(folder, name))
      .sort();
  return { folder, list, isMain: (file) => MAINS.some((name) => file === join(folder, name)) };
}
