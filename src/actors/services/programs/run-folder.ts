import { existsSync, lstatSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ConfigError } from '../../../errors.js';

/** The file of the cluster key in the folder of a node. */
const KEY_FILE = 'cluster.key';
/** The description of a run, which the launcher writes and `millrace ps` reads. */
export const RUN_FILE = 'run.json';

/** Characters of the path of a socket; the system takes 107. */
const LONGEST_FOLDER = 40;

/**
 * The folder in which each run of this user on this host has one. Makes it. Throws ConfigError where another user could have put something in
 * it.
 */
export function runsFolder(): string {
  const parent = process.env['XDG_RUNTIME_DIR'] ?? tmpdir();
  const uid = process.getuid?.() ?? 0;
  const folder = join(parent.length > LONGEST_FOLDER ? '/tmp' : parent, `millrace-${uid}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0) return folder;
  throw new ConfigError(
    `${folder} is not a folder of this user alone: remove it, or set XDG_RUNTIME_DIR to one that is.`,
  );
}

/** Makes the folder of one process of a run: only its user can open it. */
export function makeFolder(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** Writes the key of a run where its processes read it. Returns the path. */
export function writeKey(folder: string, key: string): string {
  const path = join(folder, KEY_FILE);
  writeFileSync(path, key, { mode: 0o600 });
  return path;
}

/** Removes the folder of a node, and that of the run where nothing else is in it. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  const run = dirname(folder);
  try {
    if (existsSync(run) && readdirSync(run).length === 0) rmdirSync(run);
  } catch {
    // Another process of the run has removed it, or has made a file there just now.
  }
}

/** The launcher has ended without removing its files: what it had in the folder of the run. */
export function removeLaunchers(run: string): void {
  for (const name of [RUN_FILE, 'launcher']) rmSync(join(run, name), { recursive: true, force: true });
}
