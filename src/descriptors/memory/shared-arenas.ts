import { fstatSync, ftruncateSync } from 'node:fs';
import { Deferred } from '../../deferred.js';
import { retireRange, returnRange, takeRange } from './address-ranges.js';
import type { Arena, ArenaFile, ArenaSource, MemoryKind } from './arena.js';
import { atThreadEnd } from './at-thread-end.js';
import { assertAvailable } from './available-memory.js';
import { hostOfProcesses } from './host.js';
import { keptInPlace } from './kept-in-place.js';
import { type Address, type SystemMemory, systemMemory } from './system-memory.js';

/**
 * Arenas in files without a name (memfd), which other processes of this host map by their descriptor. They need no room in /dev/shm and
 * leave nothing behind. An arena gets all its memory before it is used, and seals that keep its size and its content from others.
 */
export class SharedArenas implements ArenaSource {
  readonly memory: MemoryKind = { kind: 'shared' };
  readonly #system: SystemMemory;
  #created = 0;

  /** Throws ResourceError where memory cannot be shared. */
  constructor() {
    hostOfProcesses();
    this.#system = systemMemory();
  }

  async create(sizeBytes: number): Promise<Arena> {
    assertAvailable(sizeBytes);
    const fd = this.#system.createFile('millrace-arena');
    try {
      ftruncateSync(fd, sizeBytes);
      await this.#system.reserve(fd, sizeBytes);
      const address = await this.#map(fd, sizeBytes);
      try {
        this.#system.seal(fd);
        this.#created += 1;
        return new SharedArena(this.#system, this.#created, fd, address, sizeBytes);
      } catch (error) {
        retireRange(this.#system, address, sizeBytes);
        throw error;
      }
    } catch (error) {
      this.#system.closeFile(fd);
      throw error;
    }
  }

  async #map(fd: number, sizeBytes: number): Promise<Address> {
    const range = takeRange(sizeBytes);
    try {
      return await this.#system.mapShared(fd, sizeBytes, range);
    } catch (error) {
      if (range !== undefined) returnRange(range, sizeBytes);
      throw error;
    }
  }
}

class SharedArena implements Arena {
  readonly id: number;
  readonly sizeBytes: number;
  readonly buffer: ArrayBuffer;
  readonly file: ArenaFile;
  readonly #system: SystemMemory;
  readonly #address: Address;
  readonly #closed = new Deferred<void>();
  readonly #forget: () => void;

  constructor(system: SystemMemory, id: number, fd: number, address: Address, sizeBytes: number) {
    this.#system = system;
    this.#address = address;
    this.id = id;
    this.sizeBytes = sizeBytes;
    this.buffer = keptInPlace(system.view(address, sizeBytes));
    this.file = { host: hostOfProcesses(), pid: process.pid, fd, inode: fstatSync(fd, { bigint: true }).ino };
    this.#forget = atThreadEnd(() => this.close());
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  close(): void {
    if (this.#closed.isSettled) return;
    this.#closed.resolve();
    this.#forget();
    this.#system.closeFile(this.file.fd);
    retireRange(this.#system, this.#address, this.sizeBytes);
  }
}
