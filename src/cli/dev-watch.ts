/** Says which files have changed. */
import { createHash } from 'node:crypto';
import { existsSync, type FSWatcher, readFileSync, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import { Deferred } from '../deferred.js';
import { messageOf } from '../foreign.js';
import { ResourceError } from '../index.js';

/** A change is looked at when nothing more has changed for so long, in ms: an editor or a compiler writes several files. */
const QUIET_MS = 100;
/** The time of a file may be so much earlier, in ms, than the clock was when it was written. */
const COARSE_MS = 20;

/** Watches folders, because editors replace files. A file has changed when its content has. */
export class FileWatch {
  #watchers: readonly FSWatcher[] = [];
  #contents = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #happened = new Deferred<void>();

  /**
   * From now on the folder, and those of the files, are watched, and no others. Files that were not watched were read after `sinceMs` of the clock: what was written
   * later has changed. Throws ResourceError where the system watches no more folders.
   */
  watch(folder: string, files: ReadonlySet<string>, sinceMs: number): void {
    const folders = new Set([folder, ...[...files].map((file) => dirname(file))].map(existing));
    // A folder may have been removed and made again, which is another one.
    const watchers = [...folders].map((path) => this.#watcherOf(path));
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = watchers;
    const before = this.#contents;
    this.#contents = new Map([...files].map((file) => [file, before.get(file) ?? contentSince(file, sinceMs)]));
    if (this.#changed().length > 0) this.#soon();
  }

  /** The watched files that have changed since this was asked last. */
  changes(): ReadonlySet<string> {
    const changed = this.#changed();
    for (const file of changed) this.#contents.set(file, contentOf(file));
    return new Set(changed);
  }

  /** Resolves when something has happened in the folders since this resolved last. */
  async next(): Promise<void> {
    await this.#happened.promise;
    this.#happened = new Deferred();
  }

  #changed(): readonly string[] {
    return [...this.#contents].filter(([file, content]) => contentOf(file) !== content).map(([file]) => file);
  }

  #watcherOf(path: string): FSWatcher {
    try {
      const watcher = watch(path, () => this.#soon());
      // The folder was removed. Its files have changed, then.
      watcher.on('error', () => this.#soon());
      return watcher;
    } catch (cause) {
      throw new ResourceError(`The folder ${path} cannot be watched: ${messageOf(cause)}.`, { cause });
    }
  }

  #soon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#happened.resolve(), QUIET_MS);
  }
}

/** Of a file that was written while it was loaded: nobody knows what was loaded. */
const UNKNOWN = 'unknown';

function contentSince(file: string, sinceMs: number): string {
  const writtenMs = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? sinceMs;
  return writtenMs > sinceMs - COARSE_MS ? UNKNOWN : contentOf(file);
}

/** The folder, or the one above it where it is made again. */
function existing(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : existing(dirname(folder));
}

/** Empty where the file cannot be read. */
function contentOf(file: string): string {
  try {
    return createHash('sha256').update(readFileSync(file)).digest('hex');
  } catch {
    return '';
  }
}
