import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { ProtocolError, ResourceError, UnreachableError } from '../../errors.js';
import { codeOf, messageOf } from '../../foreign.js';
import { retireRange, returnRange, takeRange } from './address-ranges.js';
import type { ArenaFile } from './arena.js';
import { atThreadEnd } from './at-thread-end.js';
import { hostOfProcesses } from './host.js';
import { keptInPlace } from './kept-in-place.js';
import { StalePages } from './stale-pages.js';
import { type Address, type SystemMemory, systemMemory } from './system-memory.js';

/** Opens nothing: it only names the file. Node has no name for this flag of Linux. */
const O_PATH = 0o10000000;

/**
 * An arena of another process of this host, mapped to read. What this process writes into a block by mistake stays in this process, and is dropped
 * before the memory of the block is read again.
 */
export class MappedArena {
  /** All its memory. After `close` it reads as zeros. */
  readonly buffer: ArrayBuffer;
  readonly sizeBytes: number;
  readonly #system: SystemMemory;
  readonly #address: Address;
  readonly #forget: () => void;
  readonly #stale: StalePages;
  #isOpen = true;

  /**
   * Maps the arena. The file is checked before: it must be the one that was announced, have this size and all its memory, and be sealed.
   *
   * @throws ProtocolError for any other file.
   * @throws UnreachableError when its process or the file is gone.
   * @throws ResourceError when this process may not open it, or memory cannot be shared here.
   */
  constructor(file: ArenaFile, sizeBytes: number) {
    if (file.host !== hostOfProcesses()) {
      throw new ResourceError(
        `Process ${file.pid} is on another host or in another PID namespace: its memory cannot be mapped here.`,
      );
    }
    this.#system = systemMemory();
    this.sizeBytes = sizeBytes;
    const fd = openChecked(this.#system, file, sizeBytes);
    try {
      this.#address = mapFile(this.#system, fd, sizeBytes);
    } finally {
      closeSync(fd);
    }
    this.buffer = keptInPlace(this.#system.view(this.#address, sizeBytes));
    this.#stale = new StalePages(this.#system, this.#address, sizeBytes);
    this.#forget = atThreadEnd(() => this.close());
  }

  /** These bytes are going to be read: what was written over them here before is dropped. */
  opened(offset: number, sizeBytes: number): void {
    if (this.#isOpen) this.#stale.refresh(offset, sizeBytes);
  }

  /** A reader of these bytes is done. */
  closed(offset: number, sizeBytes: number): void {
    if (this.#isOpen) this.#stale.add(offset, sizeBytes);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#forget();
    retireRange(this.#system, this.#address, this.sizeBytes);
  }
}

function mapFile(system: SystemMemory, fd: number, sizeBytes: number): Address {
  const range = takeRange(sizeBytes);
  try {
    return system.mapForReading(fd, sizeBytes, range);
  } catch (error) {
    if (range !== undefined) returnRange(range, sizeBytes);
    throw error;
  }
}

/** The descriptor may have become anything since it was announced. So it is looked at before it is opened. */
function openChecked(system: SystemMemory, file: ArenaFile, sizeBytes: number): number {
  const path = openPath(`/proc/${file.pid}/fd/${file.fd}`, O_PATH, file);
  try {
    const problem = problemOf(path, file, sizeBytes);
    if (problem !== undefined) throw notAnArena(file, problem);
    const fd = openPath(`/proc/self/fd/${path}`, constants.O_RDONLY, file);
    if (system.isSealed(fd)) return fd;
    closeSync(fd);
    throw notAnArena(file, 'it is not sealed against changes of its size and content');
  } finally {
    closeSync(path);
  }
}

function problemOf(fd: number, file: ArenaFile, sizeBytes: number): string | undefined {
  const found = fstatSync(fd, { bigint: true });
  if (!found.isFile()) return 'it is no file';
  if (found.ino !== file.inode) return 'it is another file';
  if (found.size !== BigInt(sizeBytes)) return `it has ${found.size} bytes instead of ${sizeBytes}`;
  // The kernel counts in units of 512 bytes. Memory that is not there yet would be needed when it is read.
  return found.blocks * 512n < found.size ? 'not all of its memory is there' : undefined;
}

function openPath(path: string, flags: number, { pid, fd }: ArenaFile): number {
  try {
    return openSync(path, flags);
  } catch (cause) {
    const what = `The arena at descriptor ${fd} of process ${pid}`;
    if (codeOf(cause) === 'ENOENT')
      throw new UnreachableError(`${what} is gone: the process has ended, or closed it.`, { cause });
    throw new ResourceError(
      `${what} cannot be opened: ${messageOf(cause)}. Memory is shared between processes of one user that see each other in /proc.`,
      { cause },
    );
  }
}

function notAnArena({ pid, fd }: ArenaFile, problem: string): ProtocolError {
  return new ProtocolError(`Descriptor ${fd} of process ${pid} is not the arena that was announced: ${problem}.`);
}
