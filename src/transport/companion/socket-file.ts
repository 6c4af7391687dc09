import { rmdirSync, rmSync } from 'node:fs';
import { chmod, lstat, mkdtemp, readdir, rm, rmdir, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { ConfigError } from '../../errors.js';
import { whyNoSocketPath } from './address.js';

/** Private folders are named so, and hold one socket file. */
const FOLDER_PREFIX = 'millrace-link-';
const FILE = 'link';
/** A folder younger than this may belong to a process that is about to listen. */
const STALE_AFTER_MS = 60_000;
/** Folders looked at in one sweep. */
const SWEPT_FOLDERS = 64;

/** A place for a socket file that only this user can reach. */
export interface PrivateSocket {
  readonly parent: string;
  readonly folder: string;
  readonly path: string;
}

/**
 * Makes a private folder in the first of `parents` in which `listen` succeeds. A folder for temporary files may be missing, full, read-only,
 * on a file system without sockets, or too deep for the path of a socket. `skipped` hears of each that is passed over. ConfigError names all
 * of them where none is left.
 */
export async function privateSocket(
  parents: readonly string[],
  listen: (path: string) => Promise<void>,
  skipped: (parent: string, reason: string) => void,
): Promise<PrivateSocket> {
  const reasons: string[] = [];
  for (const parent of parents) {
    const made = await tryPrivateSocket(parent, listen);
    if (typeof made !== 'string') return made;
    skipped(parent, made);
    reasons.push(`${parent}: ${made}`);
  }
  throw new ConfigError(
    `Cannot make a socket file. ${reasons.join('; ')}. Set TMPDIR to a folder with a short path that this user may write to.`,
  );
}

/** Folders for private sockets, best first. That of the system for temporary files is what TMPDIR says. */
export function socketParents(): readonly string[] {
  const runtimeFolder = process.env['XDG_RUNTIME_DIR'];
  const fallbacks = ['/tmp', '/run', '/dev/shm'];
  return [...new Set([tmpdir(), ...(runtimeFolder === undefined ? [] : [runtimeFolder]), ...fallbacks])];
}

/** The socket, or why there is none. */
async function tryPrivateSocket(
  parent: string,
  listen: (path: string) => Promise<void>,
): Promise<PrivateSocket | string> {
  const reason = whyNoSocketPath(join(parent, `${FOLDER_PREFIX}XXXXXX`, FILE));
  if (reason !== undefined) return reason;
  let folder: string | undefined;
  try {
    folder = await mkdtemp(join(parent, FOLDER_PREFIX));
    // The umask may have taken away rights of the owner.
    await chmod(folder, 0o700);
    const path = join(folder, FILE);
    await listen(path);
    return { parent, folder, path };
  } catch (error) {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    return reasonOf(error);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Only this user may connect. */
export async function makePrivate(path: string): Promise<void> {
  await chmod(path, 0o600);
}

/**
 * Removes the socket file of a process that is gone; false where there is none. ConfigError when something else is there, or somebody
 * listens.
 */
export async function clearStaleSocket(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return false;
  if (!found.isSocket()) {
    throw new ConfigError(`Cannot listen at unix:${path}: a file is there that is no socket. Choose another path.`);
  }
  if (await isListenedTo(path)) {
    throw new ConfigError(`Cannot listen at unix:${path}: a process listens there already. Choose another path.`);
  }
  // Another process may have come to the same conclusion, and listen there by now.
  const { ino } = await lstat(path).catch(() => ({ ino: undefined }));
  if (ino === found.ino) await unlink(path).catch(() => {});
  return true;
}

/** Removes what a process or thread that did not end in order has left of the socket it listened at. Nothing happens where somebody listens, or nothing is. */
export async function removeLeftSocket(path: string): Promise<void> {
  await clearStaleSocket(path).catch(() => {});
  const folder = dirname(path);
  // It stays where the file does.
  if (basename(folder).startsWith(FOLDER_PREFIX)) await rmdir(folder).catch(() => {});
}

/** As the owner of a socket ends at once, and without waiting: removes its file. */
export function abandonSocket(path: string): void {
  const folder = dirname(path);
  try {
    rmSync(path, { force: true });
    if (basename(folder).startsWith(FOLDER_PREFIX)) rmdirSync(folder);
  } catch {
    // It was removed before, or cannot be.
  }
}

/** Removes private folders next to `own` whose processes were killed. What cannot be removed stays. */
export async function sweepStaleFolders(parent: string, own: string): Promise<void> {
  const now = await lstat(own);
  const names = (await readdir(parent)).filter((name) => name.startsWith(FOLDER_PREFIX));
  for (const folder of names.slice(0, SWEPT_FOLDERS).map((name) => join(parent, name))) {
    const found = await lstat(folder).catch(() => undefined);
    if (found === undefined || found.uid !== now.uid || now.mtimeMs - found.mtimeMs < STALE_AFTER_MS) continue;
    const wasStale = await clearStaleSocket(join(folder, FILE)).catch(() => false);
    if (wasStale) await rmdir(folder).catch(() => {});
  }
}

function isListenedTo(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const is = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    // Anything but a refusal (no right to connect, say) means that somebody may be there.
    socket.on('connect', is(true)).on('error', (error: NodeJS.ErrnoException) => is(error.code !== 'ECONNREFUSED')());
  });
}
