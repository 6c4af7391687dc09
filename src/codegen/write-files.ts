/** Writes several files: all of them or none, and never half of one. */
import type { Stats } from 'node:fs';
import {
  access,
  chmod,
  chown,
  constants,
  mkdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ConfigError } from '../errors.js';
import { codeOf, messageOf } from '../foreign.js';

/** Bits of a mode that `chmod` sets. */
const PERMISSIONS = 0o7777;

export interface OutputFile {
  readonly path: string;
  readonly text: string;
}

interface StagedFile {
  readonly path: string;
  /** The file itself, where `path` is a link to it. */
  readonly place: string;
  /** Beside it, so that the renaming is one step. */
  readonly temporary: string;
  /** What the file held before. */
  readonly previous: Buffer | undefined;
}

/**
 * Writes what would change; returns the paths of that. Everything is written beside its place first, and put there when all of it
 * could be: a folder that cannot be written to, or a full disk, changes nothing. A file that is replaced keeps its permissions, and a symbolic
 * link keeps leading to it.
 *
 * @throws ConfigError that names the file.
 */
export async function writeFiles(files: readonly OutputFile[]): Promise<ReadonlySet<string>> {
  const staged: StagedFile[] = [];
  const madeFolders: string[] = [];
  const moved: StagedFile[] = [];
  try {
    for (const file of files) {
      const next = await naming(file.path, () => prepare(file, madeFolders));
      if (next !== undefined) staged.push(next);
    }
    for (const file of staged) {
      await naming(file.path, () => rename(file.temporary, file.place));
      moved.push(file);
    }
  } catch (error) {
    await undo(staged, moved, madeFolders);
    throw error;
  }
  return new Set(staged.map(({ path }) => path));
}

/** Undefined when the file is as it should be already. */
async function prepare({ path, text }: OutputFile, madeFolders: string[]): Promise<StagedFile | undefined> {
  const place = await placeOf(path);
  const found = await stat(place).catch(missing);
  // The renaming would replace a device or a socket, too.
  if (found !== undefined && !found.isFile() && !found.isDirectory()) throw new Error('it is no regular file');
  const previous = found === undefined ? undefined : await readFile(place);
  if (previous?.equals(Buffer.from(text)) === true) return undefined;
  // The renaming would replace a file that its owner has made read-only.
  if (found !== undefined) await access(place, constants.W_OK);
  await makeFolders(dirname(place), madeFolders);
  const temporary = `${place}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, text, { mode: (found?.mode ?? 0o666) & PERMISSIONS });
    if (found !== undefined) await makeAlike(temporary, found);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return { path, place, temporary, previous };
}

/** Where a file is, or would be, after all symbolic links. */
async function placeOf(path: string): Promise<string> {
  const real = await realpath(path).catch(missing);
  if (real !== undefined) return real;
  // A link may lead to a file that is not there yet.
  const target = await readlink(path).catch(() => undefined);
  return target === undefined ? path : placeOf(resolve(dirname(path), target));
}

/** Gives a file the owner and the permissions of the one that it replaces. */
async function makeAlike(file: string, { uid, gid, mode }: Stats): Promise<void> {
  // Only root may give a file away; for others it belongs to who writes it, as every file that they replace.
  await chown(file, uid, gid).catch(() => undefined);
  await chmod(file, mode & PERMISSIONS);
}

/** Puts back what was there; what cannot be put back is not worth hiding the error that led here. */
async function undo(
  staged: readonly StagedFile[],
  moved: readonly StagedFile[],
  folders: readonly string[],
): Promise<void> {
  for (const { temporary } of staged) await rm(temporary, { force: true }).catch(() => undefined);
  for (const { place, previous } of moved) {
    const restored = previous === undefined ? rm(place, { force: true }) : writeFile(place, previous);
    await restored.catch(() => undefined);
  }
  for (const folder of [...folders].reverse()) await rmdir(folder).catch(() => undefined);
}

/**
 * Makes a folder and those around it, and adds those that were not there to `made`, the outermost first. Node's own way goes round in
 * circles where the system says that a folder that is there is not, as /proc does.
 */
async function makeFolders(folder: string, made: string[]): Promise<void> {
  try {
    await makeFolder(folder, made);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || dirname(folder) === folder) throw error;
    await makeFolders(dirname(folder), made);
    await makeFolder(folder, made);
  }
}

async function makeFolder(folder: string, made: string[]): Promise<void> {
  try {
    await mkdir(folder);
    made.push(folder);
  } catch (error) {
    const isFolder = codeOf(error) === 'EEXIST' && (await stat(folder)).isDirectory();
    if (!isFolder) throw error;
  }
}

function missing(cause: unknown): undefined {
  if (codeOf(cause) !== 'ENOENT') throw cause;
  return undefined;
}

async function naming<Result>(path: string, action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (cause) {
    const reason = REASONS[codeOf(cause) ?? ''] ?? messageOf(cause);
    throw new ConfigError(
      `${path} cannot be written: ${reason}. Nothing was written. Choose another folder with --out.`,
      {
        cause,
      },
    );
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  EISDIR: 'it is a folder',
  ENOENT: 'its folder cannot be made',
  ENOTDIR: 'a part of its path is a file and no folder',
  EEXIST: 'a part of its path is a file and no folder',
  ENAMETOOLONG: 'its name is too long',
};
