/** What package.json files say: which module a folder is, and which version this Millrace is. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError } from '../index.js';
import { limits } from '../limits.js';
import { readNamedText } from '../named-file.js';
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
  if (!existsSync(path)) throw new ConfigError(`The folder ${module} has no package.json that names a module.`);
  const content = parse(path);
  const named = typeof content === 'object' && content !== null && 'millrace' in content ? content.millrace : undefined;
  if (typeof named !== 'string') {
    throw new ConfigError(
      `${join(module, 'package.json')} names no module: write "millrace": "./dist/flights.js" or the like.`,
    );
  }
  return named;
}

function parse(path: string): unknown {
  const text = readNamedText({ what: 'The file', path, maxBytes: limits.configFileBytes });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`${path} is not JSON: ${cause instanceof Error ? cause.message : String(cause)}.`, { cause });
  }
}

/** Version of this Millrace, as its package.json has it. */
export function ownVersion(): string {
  const content: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return typeof content === 'object' && content !== null && 'version' in content ? String(content.version) : 'unknown';
}
