import { lstat, open, readFile, realpath, rename, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type ConfigError, MillraceError, ResourceError, UnreachableError } from '../../errors.js';
import { codeOf, messageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import { unusable } from '../../named-file.js';
import type { Scheduler } from '../../scheduler/index.js';
import { BaseStore } from '../base-store.js';
import type { SetResult, StoreEntry } from '../cluster-store.js';
import { FileLock } from './file-lock.js';
import { processOwners } from '../../process-identity.js';
import { decodeState, EMPTY, encodeState, type StoreState } from './store-file.js';

/** Time between two looks of a watch, in ms. */
const WATCH_MS = 100;
/** The wait for the lock ends so long before the deadline of its call, in ms: its error says who has the lock. */
const ANSWER_MS = 50;
const WHAT = 'The cluster store';

/**
 * A store in one file, for the processes of one host. A write makes a whole new file, brings it to the disk, and puts it in the place of the old one
 * under a lock of the kernel. So readers need no lock, and whatever ends a writer leaves the old file or the new one. A write that was not done by its
 * deadline, or when the store is closed, is given up: what its caller was told has failed does not happen later.
 *
 *     PATH        the store            PATH.new   what is being written
 *     PATH.lock   who may write; it stays, and has the id of the last process that had it
 */
export class EmbeddedStore extends BaseStore {
  readonly usualLeaseMs = limits.fileLeaseMs;
  readonly #path: string;
  /** The last write of this process: its writes go one after another, and wait for the lock of others only. */
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(path: string, scheduler: Scheduler) {
    super({ address: `embedded:${path}`, scheduler, watchMs: WATCH_MS, owners: processOwners() });
    this.#path = path;
  }

  /** Opens the store in a file. A file that is missing is made by the first write. Rejects with ConfigError for a file that is no store. */
  static async open(path: string, scheduler: Scheduler): Promise<EmbeddedStore> {
    const store = new EmbeddedStore(await wholePath(path), scheduler);
    await store.#read();
    await (await FileLock.take(`${store.#path}.lock`, scheduler, scheduler.now() + limits.storeTimeoutMs)).release();
    return store;
  }

  protected override async read(key: string): Promise<StoreEntry | undefined> {
    return (await this.#read()).entries.get(key);
  }

  protected override write(
    key: string,
    value: Uint8Array,
    expectedRevision: number | undefined,
    untilMs: number,
  ): Promise<SetResult> {
    const write = this.#writing.then(() =>
      this.#underLock(untilMs - ANSWER_MS, () => this.#set(key, value, expectedRevision, untilMs)),
    );
    this.#writing = write.catch(() => {});
    return write;
  }

  protected override async end(): Promise<void> {
    await this.#writing;
  }

  async #underLock<T>(untilMs: number, work: () => Promise<T>): Promise<T> {
    this.#assertInTime(untilMs);
    const lock = await FileLock.take(`${this.#path}.lock`, this.scheduler, untilMs, this.calls.closed);
    try {
      return await work();
    } finally {
      await lock.release();
    }
  }

  #assertInTime(untilMs: number): void {
    if (this.calls.closed.aborted || this.scheduler.now() >= untilMs)
      throw new UnreachableError(
        `${WHAT} ${this.#path} was not written in time: the disk, or who had the lock, is slow.`,
      );
  }

  async #set(
    key: string,
    value: Uint8Array,
    expectedRevision: number | undefined,
    untilMs: number,
  ): Promise<SetResult> {
    const state = await this.#read();
    const entry = state.entries.get(key);
    if (entry?.revision !== expectedRevision) return { isSet: false, entry };
    const revision = state.revision + 1;
    const next = { revision, entries: new Map(state.entries).set(key, { value, revision }) };
    await this.#replace(next, untilMs);
    return { isSet: true, revision };
  }

  async #read(): Promise<StoreState> {
    try {
      const { size } = await this.#inspect();
      const { storeFileBytes } = limits;
      if (size > storeFileBytes)
        throw this.#unusable(`has ${size} bytes, more than the ${storeFileBytes} that it may have`);
      return decodeState(await readFile(this.#path), this.#path);
    } catch (cause) {
      if (cause instanceof MillraceError) throw cause;
      if (codeOf(cause) === 'ENOENT') return EMPTY;
      throw this.#unusable(`cannot be read: ${messageOf(cause)}`, cause);
    }
  }

  async #inspect(): Promise<{ readonly size: number; readonly mode: number }> {
    const found = await stat(this.#path);
    if (!found.isFile()) throw this.#unusable('is not a regular file. Name another path');
    if (found.nlink > 1)
      throw this.#unusable('has several names (hard links), of which a write would change one. Remove the others');
    return found;
  }

  /** Rejects with ResourceError where the new file cannot be written, and with UnreachableError where it is too late: both leave the old one. */
  async #replace(state: StoreState, untilMs: number): Promise<void> {
    const bytes = encodeState(state);
    if (bytes.length > limits.storeFileBytes) {
      throw new ResourceError(
        `${WHAT} ${this.#path} is full: it may have ${limits.storeFileBytes} bytes (limit storeFileBytes).`,
      );
    }
    try {
      const mode = await stat(this.#path).then(
        (found) => found.mode & 0o777,
        () => 0o600,
      );
      const written = `${this.#path}.new`;
      await writeDurably(written, bytes, mode);
      this.#assertInTime(untilMs);
      await rename(written, this.#path);
      await syncFolder(dirname(this.#path));
    } catch (cause) {
      if (cause instanceof UnreachableError) throw cause;
      throw new ResourceError(
        `${WHAT} ${this.#path} cannot be written: ${messageOf(cause)}. Make room on the disk, or give this user the right to write to its folder. In a container, mount the folder and not the file.`,
        { cause },
      );
    }
  }

  #unusable(fault: string, cause?: unknown): ConfigError {
    return unusable({ what: WHAT, path: this.#path }, fault, cause);
  }
}

/** All processes must name the same file, so what is locked and replaced is the file itself and not a link to it. */
async function wholePath(path: string): Promise<string> {
  const named = resolve(path);
  try {
    return await realpath(named);
  } catch {
    const isLink = await lstat(named).then(
      (found) => found.isSymbolicLink(),
      () => false,
    );
    if (isLink)
      throw unusable({ what: WHAT, path }, 'is a symbolic link to a file that does not exist. Name that file');
    const folder = await realpath(dirname(named)).catch((cause: unknown) => {
      throw unusable({ what: WHAT, path }, `cannot be made: ${messageOf(cause)}. Make its folder`, cause);
    });
    return join(folder, basename(named));
  }
}

async function writeDurably(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const file = await open(path, 'w', mode);
  try {
    await file.chmod(mode);
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The new name of the file is on the disk after this. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
