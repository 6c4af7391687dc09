/** What package.json files say: which module a folder is, and which version this Millrace is. */
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError } from '../index.js';
import { packageFile, readManifest } from '../installation.js';
import { quoted } from './program-args.js';

/** URL of the module that MODULE means: a JavaScript file, or a folder whose package.json names one as `"millrace"`. Throws ConfigError. */
export function moduleUrl(module: string): string {
  const path = resolve(module);
  if (module === '' || !existsSync(path)) {
    throw new ConfigError(
      `There is no module ${quoted(module)}: name a JavaScript file, or a folder whose package.json names one.`,
    );
  }
  if (!statSync(path).isDirectory()) return pathToFileURL(path).href;
  const named = namedIn(module, join(path, 'package.json'));
  const file = resolve(path, named);
  if (!existsSync(file)) {
    throw new ConfigError(`${join(module, 'package.json')} names ${named}, which is not there: build it first.`);
  }
  return pathToFileURL(file).href;
}

function namedIn(module: string, path: string): string {
  const manifest = readManifest(path);
  if (manifest === undefined) {
    throw new ConfigError(`The folder ${module} has no package.json that names a module.`);
  }
  const named = manifest['millrace'];
  if (typeof named !== 'string') {
    throw new ConfigError(
      `${join(module, 'package.json')} names no module: write "millrace": "./dist/flights.js" or the like.`,
    );
  }
  return named;
}

/** Version of this Millrace, as its package.json has it. */
export function ownVersion(): string {
  return String(readManifest(packageFile('package.json', 'It has the version.'))?.['version']);
}
