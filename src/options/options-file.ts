import { lstatSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../errors.js';
import { isRecord, messageOf } from '../foreign.js';
import { limits } from '../limits.js';

/** The config file that is read when none is named. */
export const OPTIONS_FILE = 'millrace.config.json';

/** What a config file says, not yet checked. */
export interface OptionsFile {
  readonly path: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * Reads `path`, or `millrace.config.json` in `folder` when there is one. The file is one JSON object in UTF-8, with or without a
 * byte order mark. Throws ConfigError, with the file and the cause, for anything else.
 *
 * @example
 * const file = readOptionsFile({ folder: process.cwd() });
 */
export function readOptionsFile(where: {
  readonly folder: string;
  readonly path?: string | undefined;
}): OptionsFile | undefined {
  const path = where.path ?? join(where.folder, OPTIONS_FILE);
  if (where.path === undefined && !isThere(path)) return undefined;
  return { path, values: parse(path, decode(path, read(path))) };
}

/** A link that leads nowhere is there, too: somebody meant a file. In a folder that may not be searched there is nothing for this user. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

function read(path: string): Uint8Array {
  let size: number;
  try {
    const found = statSync(path);
    // The read of a pipe or a device may never end.
    if (!found.isFile()) throw new Error(found.isDirectory() ? 'it is a folder' : 'it is not a regular file');
    size = found.size;
    if (size <= limits.configFileBytes) return readFileSync(path);
  } catch (cause) {
    throw wrong(path, `cannot be read: ${messageOf(cause)}`, cause);
  }
  throw wrong(path, `has ${size} bytes, more than the ${limits.configFileBytes} that a config file may have`);
}

/** The text of the file without its byte order mark. */
function decode(path: string, bytes: Uint8Array): string {
  const [first, second] = bytes;
  const isMarked = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  if (isMarked || bytes.subarray(0, 4).includes(0)) throw wrong(path, 'is in UTF-16 or UTF-32: save it as UTF-8');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw wrong(path, 'is not UTF-8: save it as UTF-8', cause);
  }
}

function parse(path: string, text: string): Readonly<Record<string, unknown>> {
  if (text.trim() === '') throw wrong(path, 'is empty: write {"askTimeoutMs": 1000} or the like, or remove it');
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch (cause) {
    throw wrong(path, `is not JSON: ${messageOf(cause)}`, cause);
  }
  if (!isRecord(values) || Array.isArray(values))
    throw wrong(path, 'holds no JSON object: write {"askTimeoutMs": 1000} or the like');
  const repeated = repeatedKey(text);
  if (repeated !== undefined) throw wrong(path, `has the key ${JSON.stringify(repeated)} twice: keep one of them`);
  return values;
}

/** The first key that an object has twice; JSON.parse would take the last. `json` is the text of one object. */
function repeatedKey(json: string): string | undefined {
  const keys = new Set<string>();
  let depth = 0;
  for (const [token, quoted] of json.matchAll(
    /("[^"\\]*(?:\\.[^"\\]*)*")(?=\s*:)|"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]]/gs,
  )) {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    else if (quoted !== undefined && depth === 1) {
      const key = String(JSON.parse(quoted));
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

function wrong(path: string, what: string, cause?: unknown): ConfigError {
  return new ConfigError(`Config file ${path} ${what}.`, cause === undefined ? undefined : { cause });
}
