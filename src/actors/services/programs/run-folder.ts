import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { ConfigError } from '../../../errors.js';
import { processOwners } from '../../../process-identity.js';

/** The file of the cluster key in the folder of a node. */
const KEY_FILE = 'cluster.key';
/** Names the process that has made the folder. */
const OWNER_FILE = 'owner';
/** The description of a run, which the launcher writes and `millrace ps` reads. */
export const RUN_FILE = 'run.json';

/**
 * Characters of the folder of all runs. The system takes 107 for the path of a socket, and the longest one below has 64:
 * `/twelve-chars-12345678/node-0/services/millrace-link-XXXXXX/link`.
 */
const LONGEST_FOLDER = 43;
/** Characters of a run's name that are those of its module. */
const LONGEST_MODULE = 12;

/** The name of a run, which is that of a folder: its module, and a random token of 8 characters. */
export function runName(module: string, token: string): string {
  const name = basename(resolve(module)).replaceAll(/\W/g, '-').slice(0, LONGEST_MODULE);
  return `${name === '' ? 'run' : name}-${token}`;
}

/**
 * The folder in which each run of this user on this host has one: in XDG_RUNTIME_DIR, or /tmp where that path is too long. Makes it. Throws
 * ConfigError where another user could have put something in it. It stays when it is empty: between a check and the making of a folder in it,
 * its removal would let another user take its name in `/tmp`.
 */
export function runsFolder(): string {
  const parent = process.env['XDG_RUNTIME_DIR'] ?? tmpdir();
  const uid = process.getuid?.() ?? 0;
  const wanted = join(parent, `millrace-${uid}`);
  const folder = wanted.length > LONGEST_FOLDER ? `/tmp/millrace-${uid}` : wanted;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0) return folder;
  throw new ConfigError(
    `${folder} is not a folder of this user alone: remove it, or set XDG_RUNTIME_DIR to one that is.`,
  );
}

/** Makes the folder of this process of a run, with its owner: only its user can open it. What an earlier process has left there is removed. */
export function makeFolder(folder: string): string {
  const unfinished = join(dirname(folder), `.${basename(folder)}-${process.pid}`);
  mkdirSync(unfinished, { recursive: true, mode: 0o700 });
  writeFileSync(join(unfinished, OWNER_FILE), processOwners().own, { mode: 0o600 });
  rmSync(folder, { recursive: true, force: true });
  renameSync(unfinished, folder);
  return folder;
}

/** Whether the process that has made this folder may live. A folder without an owner is nobody's. */
export function isOwned(folder: string): boolean {
  try {
    return !processOwners().isGone(readFileSync(join(folder, OWNER_FILE), 'utf8'));
  } catch {
    return false;
  }
}

/** Whether any process of the run on this host may live. */
export function isRunOwned(run: string): boolean {
  try {
    return readdirSync(run).some((name) => isOwned(join(run, name)));
  } catch {
    // Its last process removes it just now.
    return false;
  }
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

/** The launcher has ended without removing its files: what it had in the folder of the run. One that may live, only stopped, keeps them. */
export function removeLaunchers(run: string): void {
  if (isOwned(join(run, 'launcher'))) return;
  for (const name of [RUN_FILE, 'launcher']) rmSync(join(run, name), { recursive: true, force: true });
}
