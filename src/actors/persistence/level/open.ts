import type { ClassicLevel } from 'classic-level';
import { ConfigError, PersistenceError, ResourceError } from '../../../errors.js';
import { codeOf, isError, messageOf } from '../../../foreign.js';
import { FORMAT, FORMAT_KEY } from './records.js';

export interface LevelOptions {
  /** Acknowledged data is on the disk. Without it, the data survives a crash of the process, but not of the machine. Default true. */
  readonly sync?: boolean | undefined;
  /** Snapshots that are kept for each key. Default 2. */
  readonly snapshots?: number | undefined;
}

export interface Settings {
  readonly sync: boolean;
  readonly snapshots: number;
}

/** Throws ConfigError for an invalid option. */
export function settingsOf({ sync = true, snapshots = 2 }: LevelOptions): Settings {
  if (typeof sync !== 'boolean') throw new ConfigError(`sync must be true or false, not ${String(sync)}`);
  if (!Number.isSafeInteger(snapshots) || snapshots < 1) {
    throw new ConfigError(`snapshots (kept for each key) must be a whole number, at least 1, not ${snapshots}`);
  }
  return { sync, snapshots };
}

/** Opens the store in a folder, and creates it if it is missing. */
export async function openFolder(folder: string): Promise<ClassicLevel> {
  if (typeof folder !== 'string' || folder === '') throw new ConfigError('a store needs a folder');
  const Level = await loadPackage();
  const db = new Level(folder);
  try {
    await db.open();
  } catch (cause) {
    throw cannotOpen(folder, cause);
  }
  const format = await db.get(FORMAT_KEY);
  if (format === undefined && (await db.keys({ limit: 1 }).all()).length === 0) {
    await db.put(FORMAT_KEY, FORMAT, { sync: true });
  } else if (format !== FORMAT) {
    await db.close();
    throw new PersistenceError(
      `${folder} contains a store of another program or version (format ${format ?? 'none'}, expected ${FORMAT}): use another folder`,
    );
  }
  return db;
}

async function loadPackage(): Promise<typeof ClassicLevel> {
  try {
    return (await import('classic-level')).ClassicLevel;
  } catch (cause) {
    throw new ResourceError('LevelEngine needs the package classic-level: npm install classic-level', { cause });
  }
}

function cannotOpen(folder: string, error: unknown): PersistenceError {
  const cause = isError(error) && isError(error.cause) ? error.cause : error;
  if (codeOf(cause) === 'LEVEL_LOCKED') {
    return new PersistenceError(
      `the store in ${folder} is already open, in this process or another: close it first, or use another folder`,
      { cause },
    );
  }
  const why = messageOf(cause);
  return new PersistenceError(`the store in ${folder} cannot be opened: ${why}`, { cause });
}
