import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigError } from '../errors.js';
import { isRecord, messageOf } from '../foreign.js';
import { limits } from '../limits.js';
import { readNamedText, unusable } from '../named-file.js';

/** The config file that is read when none is named. */
export const OPTIONS_FILE = 'millrace.config.json';
/** What errors call the file. */
const WHAT = 'Config file';

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
  return { path, values: parse(path, readNamedText({ what: WHAT, path, maxBytes: limits.configFileBytes })) };
}

/** A link that leads nowhere is there, too: somebody meant a file. In a folder that may not be searched there is nothing for this user. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

function parse(path: string, text: string): Readonly<Record<string, unknown>> {
  if (text.trim() === '') throw wrong(path, 'is empty: write {"askTimeoutMs": 1000} or the like, or remove it');
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch {
    throw wrong(path, `is not JSON: ${faultIn(text)}`);
  }
  if (!isRecord(values) || Array.isArray(values))
    throw wrong(path, 'holds no JSON object: write {"askTimeoutMs": 1000} or the like');
  const repeated = repeatedKey(text);
  if (repeated !== undefined) throw wrong(path, `has the key ${JSON.stringify(repeated)} twice: keep one of them`);
  return values;
}

/** What the parser says, which quotes a few characters around the fault: they may be those of a password. */
function faultIn(text: string): string {
  try {
    JSON.parse(text.replace(/:\/\/.*@/g, '://***@'));
    return 'it has an address that is no text in quotation marks';
  } catch (error) {
    return messageOf(error);
  }
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

function wrong(path: string, fault: string): ConfigError {
  return unusable({ what: WHAT, path }, fault);
}
