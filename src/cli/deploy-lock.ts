/** The lock of a folder of components: who changes the folder holds it, so that nothing is loaded meanwhile. */
import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, messageOf } from '../foreign.js';
import { ConfigError } from '../index.js';
import { processIdentity, processOwners } from '../process-identity.js';

/** It has the identity of one process on each line, or anything else: then it holds until somebody removes it. */
export const LOCK_FILE = '.millrace-lock';

/** `left`: by processes that have ended. */
export type LockState = 'none' | 'held' | 'left';

export function lockState(folder: string): LockState {
  let owner: string;
  try {
    owner = readFileSync(join(folder, LOCK_FILE), 'utf8').trim();
  } catch (error) {
    return codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR' ? 'none' : 'held';
  }
  return hasEnded(owner) ? 'left' : 'held';
}

/** A lock that this process has. */
export interface FolderLock {
  /** It holds, too, while the process of this id lives, also when this one has ended. */
  share(pid: number): void;
  /** Gives it back. What another process has put in its place stays. */
  release(): void;
}

/** Takes the lock, also one that was left. Throws ConfigError where it is held, or cannot be written. */
export function lockFolder(folder: string): FolderLock {
  const path = join(folder, LOCK_FILE);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new ConfigError(`There is no folder ${folder}: name one of components.`);
  }
  const mine = `${path}.${process.pid}`;
  let content = `${processIdentity(process.pid) || process.pid}\n`;
  if (lockState(folder) === 'left') removeLeft(folder, path);
  writeThen(mine, content, () => exclusively(path, () => linkSync(mine, path)));
  return {
    share: (pid) => {
      const shared = `${content}${processIdentity(pid) || pid}\n`;
      if (textOf(path) !== content) return;
      writeThen(mine, shared, () => renameSync(mine, path));
      content = shared;
    },
    release: () => {
      if (textOf(path) === content) rmSync(path, { force: true });
    },
  };
}

/** One process at a time looks again whether the lock was left, and removes it: otherwise a second one would remove the lock that the first has taken meanwhile. */
function removeLeft(folder: string, path: string): void {
  const claim = `${path}.left`;
  exclusively(claim, () => writeFileSync(claim, '', { flag: 'wx' }));
  try {
    if (lockState(folder) === 'left') rmSync(path, { force: true });
  } finally {
    rmSync(claim, { force: true });
  }
}

/** Then the file is there with its content, or not at all. */
function writeThen(file: string, content: string, use: () => void): void {
  try {
    writeFileSync(file, content);
    use();
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError(`The lock ${file} cannot be written: ${messageOf(cause)}.`, { cause });
  } finally {
    rmSync(file, { force: true });
  }
}

function exclusively(path: string, take: () => void): void {
  try {
    take();
  } catch (cause) {
    if (codeOf(cause) !== 'EEXIST') throw new ConfigError(`${path} cannot be written: ${messageOf(cause)}.`, { cause });
    throw new ConfigError(`${path} is held: another deployment is under way. Where there is none, remove that file.`, {
      cause,
    });
  }
}

/** Empty where it cannot be read. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Each line names a process. One may be all that a shell has written: `echo $$ > .millrace-lock`. */
function hasEnded(owners: string): boolean {
  return owners
    .split('\n')
    .every((owner) => (/^\d+$/.test(owner) ? isNobody(Number(owner)) : processOwners().isGone(owner)));
}

function isNobody(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return codeOf(error) === 'ESRCH';
  }
}
