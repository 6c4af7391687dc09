/** One process at a time writes a file: who writes one that two may be told to write holds it. */
import { readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { ConfigError } from './errors.js';
import { codeOf, messageOf } from './foreign.js';
import { processIdentity, processOwners } from './process-identity.js';

/**
 * Holds a file by another one beside it, `FILE.lock`, which names this process. One that was left by a process that has ended holds nothing. Returns what gives it back; undefined
 * for what is no file, such as a pipe, and where there is no folder for it. Throws ConfigError where another process holds it, or this one does already. `what` is the file, as the
 * first words of an error: `The recording`.
 */
export function holdFile(what: string, path: string): (() => void) | undefined {
  const target = realPath(path);
  if (statSync(target, { throwIfNoEntry: false })?.isFile() === false) return undefined;
  const lock = `${target}.lock`;
  const own = `${processIdentity(process.pid) || process.pid}`;
  try {
    removeLeft(lock);
    writeFileSync(lock, own, { flag: 'wx' });
  } catch (cause) {
    const code = codeOf(cause);
    // Whoever opens the file next says why it cannot.
    if (path === '' || code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code !== 'EEXIST')
      throw new ConfigError(`${what} ${path} cannot be held by ${lock}: ${messageOf(cause)}.`, { cause });
    throw new ConfigError(
      `${what} ${path} is being written already, by ${holderOf(lock)}: name another file. Where nobody writes it, remove ${lock}.`,
      { cause },
    );
  }
  return () => {
    if (textOf(lock) === own) rmSync(lock, { force: true });
  };
}

/** Two processes may find the same lock left: what the second one takes away is put back where it is not that one. */
function removeLeft(lock: string): void {
  const left = textOf(lock);
  if (left === undefined || !hasEnded(left)) return;
  const taken = `${lock}.${process.pid}`;
  renameSync(lock, taken);
  if (textOf(taken) === left) rmSync(taken, { force: true });
  else renameSync(taken, lock);
}

function hasEnded(owner: string): boolean {
  if (!/^\d+$/.test(owner)) return processOwners().isGone(owner);
  try {
    process.kill(Number(owner), 0);
    return false;
  } catch (error) {
    return codeOf(error) === 'ESRCH';
  }
}

function holderOf(lock: string): string {
  const words = (textOf(lock) ?? '').split(' ');
  const pid = Number(words.length === 1 ? words[0] : words[2]);
  return pid === process.pid ? 'this process' : Number.isSafeInteger(pid) ? `process ${pid}` : 'another process';
}

/** A link leads to the file that is written. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
