/**
 * A lock on a file that the kernel keeps: it ends with its process, however that ends, and holds for all processes of the host, those in other
 * containers too. The only file of this room that calls foreign functions.
 */
import { readFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { arch, platform } from 'node:os';
import type * as Koffi from 'koffi';
import { ConfigError, ResourceError, UnreachableError } from '../../errors.js';
import { messageOf } from '../../foreign.js';
import { requireNative } from '../../installation.js';
import { pause, type Scheduler } from '../../scheduler/index.js';

// Equal on Linux and macOS.
const LOCK_EX = 2;
const LOCK_NB = 4;
/** Time between two tries, in ms. Others hold the lock for a few ms. */
const RETRY_MS = 5;

type Flock = (descriptor: number, operation: number) => number;

let loaded: Flock | undefined;

/** A lock that this process holds. */
export class FileLock {
  readonly #file: FileHandle;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /**
   * Waits for the lock on the file `path`, which is made where it is missing. Rejects with UnreachableError, which names the process, when another one has the
   * lock until `untilMs` or until `closed` aborts, with ConfigError where the file cannot be opened, and with ResourceError without koffi.
   */
  static async take(path: string, scheduler: Scheduler, untilMs: number, closed?: AbortSignal): Promise<FileLock> {
    const flock = loadFlock();
    const file = await open(path, 'a+', 0o600).catch((cause: unknown) => {
      throw new ConfigError(`The lock file ${path} of the cluster store cannot be opened: ${messageOf(cause)}.`, {
        cause,
      });
    });
    try {
      while (flock(file.fd, LOCK_EX | LOCK_NB) !== 0) {
        if (scheduler.now() >= untilMs || closed?.aborted === true) throw await heldTooLong(file, path);
        await pause(scheduler, RETRY_MS);
      }
      // It helps others only to name this process: the disk may be full.
      await file
        .truncate(0)
        .then(() => file.write(`${process.pid}\n`))
        .catch(() => {});
      return new FileLock(file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** The end of the descriptor is the end of the lock. The file stays: whoever removed it could remove the lock of another. */
  async release(): Promise<void> {
    await this.#file.close();
  }
}

/** The holder wrote its id. Its process may be in another container, where another one has that id, or none. */
async function heldTooLong(file: FileHandle, path: string): Promise<UnreachableError> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0);
  const pid = /^\d+$/.exec(buffer.subarray(0, bytesRead).toString('latin1').trim())?.[0];
  const holder = pid === undefined ? 'Another process' : `Process ${pid}${isStopped(pid) ? ', which is stopped,' : ''}`;
  return new UnreachableError(
    `${holder} has held the lock ${path} of the cluster store embedded:${path.replace(/\.lock$/, '')} for too long. Let it go on (kill -CONT), or end it: the lock ends with it.`,
  );
}

/** By a signal or a debugger. False where that cannot be seen. */
function isStopped(pid: string): boolean {
  try {
    return /\) [Tt] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

function loadFlock(): Flock {
  loaded ??= loadKoffi().load(null).func('int flock(int descriptor, int operation)');
  return loaded;
}

function loadKoffi(): typeof Koffi {
  let cause: unknown;
  try {
    const package_ = requireNative('koffi');
    if (isKoffi(package_)) return package_;
  } catch (error) {
    cause = error;
  }
  throw new ResourceError(
    `The npm package koffi cannot be loaded on ${platform()}-${arch()}: an embedded cluster store locks its file with it. Run: npm install koffi. A bundle cannot contain it: install it beside the bundle.`,
    { cause },
  );
}

function isKoffi(package_: unknown): package_ is typeof Koffi {
  return typeof package_ === 'object' && package_ !== null && 'load' in package_ && typeof package_.load === 'function';
}
