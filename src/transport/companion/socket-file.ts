import { rmdirSync, rmSync } from 'node:fs';
import { chmod, lstat, mkdtemp, readdir, rmdir, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { ConfigError } from '../../errors.js';

/** Private folders are named so, and hold one socket file. */
const FOLDER_PREFIX = 'millrace-link-';
const FILE = 'link';
/** A folder younger than this may belong to a process that is about to listen. */
const STALE_AFTER_MS = 60_000;
/** Folders looked at in one sweep. */
const SWEPT_FOLDERS = 64;

/** A place for a socket file that only this user can reach. */
export async function privateSocketPath(parent: string): Promise<{ readonly folder: string; readonly path: string }> {
  const folder = await mkdtemp(join(parent, FOLDER_PREFIX));
  return { folder, path: join(folder, FILE) };
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
