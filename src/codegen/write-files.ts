/** Writes several files: all of them or none, and never half of one. */
import { access, constants, mkdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError } from '../errors.js';
import { MADE } from './comments.js';

export interface OutputFile {
  readonly path: string;
  /** Begins with `MADE`, as what it may replace does. */
  readonly text: string;
}

interface StagedFile {
  readonly path: string;
  /** Beside it, so that the renaming is one step. */
  readonly temporary: string;
  /** What the file held before. */
  readonly previous: Buffer | undefined;
}

/**
 * Writes what would change, and replaces nothing that the generator did not make; returns the paths of that. Everything is written beside its place first, and put there when all of it
 * could be: a folder that cannot be written to, or a full disk, changes nothing.
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
      await naming(file.path, () => rename(file.temporary, file.path));
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
  const previous = await readFile(path).catch(missing);
  if (previous?.equals(Buffer.from(text)) === true) return undefined;
  if (previous !== undefined && previous.length > 0 && !previous.toString('utf8').startsWith(MADE)) {
    throw new Error('it is there already, and `millrace gen` did not make it. Move it, or remove it');
  }
  // The renaming would replace a file that its owner has made read-only.
  if (previous !== undefined) await access(path, constants.W_OK);
  await makeFolders(dirname(path), madeFolders);
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, text);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return { path, temporary, previous };
}

/** Puts back what was there; what cannot be put back is not worth hiding the error that led here. */
async function undo(
  staged: readonly StagedFile[],
  moved: readonly StagedFile[],
  folders: readonly string[],
): Promise<void> {
  for (const { temporary } of staged) await rm(temporary, { force: true }).catch(() => undefined);
  for (const { path, previous } of moved) {
    const restored = previous === undefined ? rm(path, { force: true }) : writeFile(path, previous);
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
    const reason = REASONS[codeOf(cause)] ?? (cause instanceof Error ? cause.message : String(cause));
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

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : '';
}
