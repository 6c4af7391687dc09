/** Loads modules of the user by URL, in the forms in which ES modules, CommonJS and compiled TypeScript export their values. */

import { isRecord } from './foreign.js';

/** The exports of a module. Rejects with what loading it throws. */
export async function importModule(url: string): Promise<Readonly<Record<string, unknown>>> {
  // Bundlers would look for what `url` may be among the files of the package.
  const module: unknown = await import(/* webpackIgnore: true */ /* @vite-ignore */ url);
  if (!isRecord(module)) return {};
  const own = module['default'];
  // TypeScript and bundlers mark what was an ES module before they made CommonJS of it.
  return isRecord(own) && own['__esModule'] === true ? own : module;
}
