import { rmdirSync, rmSync } from 'node:fs';
import { chmod, link, lstat, mkdtemp, open, readdir, rm, rmdir, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { ConfigError } from '../../errors.js';
import { codeOf, messageOf } from '../../foreign.js';
import { whyNoSocketPath } from '../../socket-address.js';

/** Name prefix of a private folder. It holds one socket file. */
const FOLDER_PREFIX = 'millrace-link-';
const FILE = 'link';
/** Name prefix of the folder in which a socket waits for its name. */
const STAGING_PREFIX = '.millrace-';
/** A younger folder may belong to a process that is about to listen. */
const STALE_AFTER_MS = 60_000;
/** Most folders that one sweep examines. */
const SWEPT_FOLDERS = 64;

/** A socket file in a private folder: only this user can reach it. */
export interface PrivateSocket {
  readonly parent: string;
  readonly folder: string;
  readonly path: string;
}

/** A socket file at a path that the user chose. */
export interface PublishedSocket {
  readonly path: string;
  readonly ino: number;
}

/**
 * Makes a private folder in the first of `parents` in which `listen` succeeds. A folder for temporary files may be missing, full, read-only,
 * on a file system without sockets, or too deep for the path of a socket. `skipped` is called for each parent that fails. If all fail, it
 * rejects with a ConfigError that names them.
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

/**
 * Listens at `path` so that no other user can connect at any moment: the socket is made in a private folder beside it, and gets its name
 * there when only this user may open it. Rejects with ConfigError if another process has taken the path meanwhile.
 */
export async function publishSocket(path: string, listen: (path: string) => Promise<void>): Promise<PublishedSocket> {
  const folder = await mkdtemp(join(dirname(path), STAGING_PREFIX)).catch(cannotPublish(path));
  // A name that nothing else has: Node removes the staged path again when the server closes, and the number of the descriptor may then
  // belong to another folder.
  const name = basename(folder);
  try {
    await chmod(folder, 0o700);
    const descriptor = await open(folder);
    try {
      // A short path, however long that of the folder is: the kernel takes LONGEST_PATH_BYTES.
      const staged = process.platform === 'linux' ? `/proc/self/fd/${descriptor.fd}/${name}` : join(folder, name);
      await listen(staged);
      await makePrivate(staged);
      const { ino } = await lstat(staged);
      // Unlike a rename, a link never replaces the socket of a process that was faster.
      await link(staged, path);
      return { path, ino };
    } finally {
      await descriptor.close();
    }
  } catch (cause) {
    return cannotPublish(path)(cause);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Removes the socket file, if it is still the one that was published: another process may have replaced a file that was deleted. */
export async function withdrawSocket({ path, ino }: PublishedSocket): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.ino === ino) await unlink(path).catch(() => {});
}

function cannotPublish(path: string): (cause: unknown) => never {
  return (cause) => {
    const isTaken = codeOf(cause) === 'EEXIST';
    const reason = isTaken ? 'another process has begun to listen there' : messageOf(cause);
    throw new ConfigError(`Cannot listen at unix:${path}: ${reason}. Choose another path.`, { cause });
  };
}

/** Parents for private folders, best first. The first is the system's folder for temporary files, which TMPDIR sets. */
export function socketParents(): readonly string[] {
  const runtimeFolder = process.env['XDG_RUNTIME_DIR'];
  const fallbacks = ['/tmp', '/run', '/dev/shm'];
  return [...new Set([tmpdir(), ...(runtimeFolder === undefined ? [] : [runtimeFolder]), ...fallbacks])];
}

/** Resolves to the socket, or to the reason why it cannot be made. */
async function tryPrivateSocket(
  parent: string,
  listen: (path: string) => Promise<void>,
): Promise<PrivateSocket | string> {
  const reason = whyNoSocketPath(join(parent, `${FOLDER_PREFIX}XXXXXX`, FILE));
  if (reason !== undefined) return reason;
  let folder: string | undefined;
  try {
    folder = await mkdtemp(join(parent, FOLDER_PREFIX));
    // The umask may have removed permissions of the owner.
    await chmod(folder, 0o700);
    const path = join(folder, FILE);
    await listen(path);
    return { parent, folder, path };
  } catch (error) {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    return messageOf(error);
  }
}

/** Lets only this user connect. */
export async function makePrivate(path: string): Promise<void> {
  await chmod(path, 0o600);
}

/**
 * Removes the socket file of a process that has exited. Resolves to false if there is no file. Rejects with ConfigError if another kind
 * of file is there, or a process listens.
 */
export async function clearStaleSocket(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return false;
  if (!found.isSocket()) {
    throw new ConfigError(`Cannot listen at unix:${path}: the file there is not a socket. Choose another path.`);
  }
  if (await isListenedTo(path)) {
    throw new ConfigError(`Cannot listen at unix:${path}: a process already listens there. Choose another path.`);
  }
  // Another process may have replaced the stale file meanwhile: delete only the file that we examined.
  const { ino } = await lstat(path).catch(() => ({ ino: undefined }));
  if (ino === found.ino) await unlink(path).catch(() => {});
  return true;
}

/** Removes the socket files at these addresses, whose process or thread ended without closing them. Leaves those at which a process listens. */
export async function removeLeftSockets(addresses: readonly string[]): Promise<void> {
  await Promise.all(addresses.flatMap(socketPathOf).map(removeLeftSocket));
}

/** Removes the socket files at these addresses synchronously, for an owner that ends at once. */
export function abandonSockets(addresses: readonly string[]): void {
  for (const path of addresses.flatMap(socketPathOf)) abandonSocket(path);
}

function socketPathOf(address: string): string[] {
  const path = /(?:unix|ipc):(?<path>\/[^\s#]+)/.exec(address)?.groups?.['path'];
  return path === undefined ? [] : [path];
}

async function removeLeftSocket(path: string): Promise<void> {
  await clearStaleSocket(path).catch(() => {});
  const folder = dirname(path);
  // Fails, and leaves the folder, if the file is still there.
  if (basename(folder).startsWith(FOLDER_PREFIX)) await rmdir(folder).catch(() => {});
}

/** Removes a socket file synchronously, for an owner that ends at once. */
export function abandonSocket(path: string): void {
  const folder = dirname(path);
  try {
    rmSync(path, { force: true });
    if (basename(folder).startsWith(FOLDER_PREFIX)) rmdirSync(folder);
  } catch {
    // The file is already gone, or cannot be removed.
  }
}

/** Removes the private folders beside `own` whose processes were killed. Ignores folders that it cannot remove. */
export async function sweepStaleFolders(parent: string, own: string): Promise<void> {
  const now = await lstat(own);
  const names = (await readdir(parent)).filter((name) => name.startsWith(FOLDER_PREFIX));
  for (const folder of names.slice(0, SWEPT_FOLDERS).map((name) => join(parent, name))) {
    const found = await lstat(folder).catch(() => undefined);
    if (found === undefined || found.uid !== now.uid || now.mtimeMs - found.mtimeMs < STALE_AFTER_MS) continue;
    // A folder without the file is left where the file was closed, and its owner ended before it removed the folder.
    await removeLeftSocket(join(folder, FILE));
  }
}

function isListenedTo(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const is = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    // Any other error than a refused connection (a missing permission, say) means that a process may listen there.
    socket.on('connect', is(true)).on('error', (error) => is(codeOf(error) !== 'ECONNREFUSED')());
  });
}
