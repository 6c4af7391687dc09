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
  if (!statSync(path).isDirectory()) return fileUrl(module, path);
  const named = namedIn(module, join(path, 'package.json'));
  const file = resolve(path, named);
  if (!existsSync(file)) {
    throw new ConfigError(`${join(module, 'package.json')} names ${named}, which is not there: build it first.`);
  }
  return fileUrl(join(module, named), file);
}

/** The import of a device or a pipe may never end. */
function fileUrl(shown: string, path: string): string {
  if (!statSync(path).isFile())
    throw new ConfigError(`The module ${shown} is not a regular file: name a JavaScript file.`);
  return pathToFileURL(path).href;
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
