import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../errors.js';

/** The config file that is read when none is named. */
export const OPTIONS_FILE = 'millrace.config.json';

/** What a config file says, not yet checked. */
export interface OptionsFile {
  readonly path: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * Reads `path`, or `millrace.config.json` in `folder` when there is one. Throws ConfigError when a named file is missing, or
 * what is read is no JSON object.
 */
export function readOptionsFile(where: {
  readonly folder: string;
  readonly path?: string | undefined;
}): OptionsFile | undefined {
  const path = where.path ?? join(where.folder, OPTIONS_FILE);
  if (where.path === undefined && !existsSync(path)) return undefined;
  const values = parse(path, read(path));
  if (!isObject(values))
    throw new ConfigError(`Config file ${path} holds no JSON object: write {"askTimeoutMs": 1000} or the like.`);
  return { path, values };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigError(`Config file ${path} cannot be read: check that it exists and may be read.`, { cause });
  }
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`Config file ${path} is not JSON: ${reason}.`, { cause });
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
