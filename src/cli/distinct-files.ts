/** Files that one command reads or writes: none of them may be written over another. */
import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ConfigError } from '../index.js';

export interface UsedFile {
  /** What the user calls it, in errors: `--trace`. */
  readonly name: string;
  readonly path: string | undefined;
}

/**
 * Throws ConfigError where a file of `written` is another one of `written`, or one of `read`, under whatever name: opening it would empty
 * it. Devices such as /dev/null may be named several times.
 */
export function assertDistinct(written: readonly UsedFile[], read: readonly UsedFile[]): void {
  const taken = new Map<string, string>();
  const take = ({ name, path }: UsedFile, isWritten: boolean): void => {
    const identity = path === undefined || path === '' ? undefined : identityOf(path);
    if (identity === undefined) return;
    const other = taken.get(identity);
    if (isWritten && other !== undefined) {
      throw new ConfigError(`${other} and ${name} are the same file, ${path}: name another file for ${name}.`);
    }
    taken.set(identity, name);
  };
  for (const file of read) take(file, false);
  for (const file of written) take(file, true);
}

/** Equal for two paths that lead to one file; undefined for what is no regular file. */
function identityOf(path: string): string | undefined {
  try {
    const found = statSync(path, { throwIfNoEntry: false, bigint: true });
    if (found !== undefined) return found.isFile() ? `${found.dev}:${found.ino}` : undefined;
    return join(realpathSync(dirname(resolve(path))), basename(path));
  } catch {
    // Whoever opens the file says what is wrong with its path.
    return undefined;
  }
}
