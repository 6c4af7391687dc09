import { Deferred } from '../../deferred.js';
import { ResourceError } from '../../errors.js';
import type { Arena, ArenaSource, MemoryKind } from './arena.js';
import { assertAvailable } from './available-memory.js';
import { keptInPlace } from './kept-in-place.js';

/** Arenas in memory of this process alone: where memory cannot be shared, and where a simulation needs none. */
export class PrivateArenas implements ArenaSource {
  readonly memory: MemoryKind;
  #created = 0;

  /** `reason` says why the memory is not shared. */
  constructor(reason: string) {
    this.memory = { kind: 'private', reason };
  }

  async create(sizeBytes: number): Promise<Arena> {
    assertAvailable(sizeBytes);
    this.#created += 1;
    const closed = new Deferred<void>();
    return {
      id: this.#created,
      sizeBytes,
      buffer: allocated(sizeBytes),
      file: undefined,
      closed: closed.promise,
      close: () => closed.resolve(),
    };
  }
}

function allocated(sizeBytes: number): ArrayBuffer {
  try {
    const buffer = new ArrayBuffer(sizeBytes);
    process.getBuiltinModule('node:worker_threads').markAsUntransferable(buffer);
    return keptInPlace(buffer);
  } catch (cause) {
    throw new ResourceError(`Node has no memory for a buffer of ${sizeBytes} bytes.`, { cause });
  }
}
