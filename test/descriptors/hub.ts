import { type MemoryPool, type PeerIncarnation, RemoteDescriptorManager } from '#src/descriptors/index.js';
import { memoryLogger } from '#src/logging/index.js';
import { decode, encode, v1 } from '#src/protocol/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { MIB, openPool } from './pools.js';

/** A process that a test plays: its pool and its manager. */
export interface Node {
  readonly name: PeerIncarnation;
  readonly pool: MemoryPool;
  readonly manager: RemoteDescriptorManager;
}

interface Letter {
  readonly from: PeerIncarnation;
  readonly to: PeerIncarnation;
  readonly bytes: Uint8Array;
}

/** Some processes in one, and the control messages between them, which are encoded as on a link. */
export class Hub {
  readonly log = memoryLogger();
  readonly #nodes = new Map<PeerIncarnation, Node>();
  #letters: Letter[] = [];

  /** `nodes`: as many, all of which know each other. */
  constructor(nodes: number, canMap = true) {
    for (let count = 1; count <= nodes; count++) this.#add(`${2n ** 32n + BigInt(count)}:${count}`);
    for (const { manager, name } of this.#nodes.values()) {
      for (const other of this.#nodes.keys()) if (other !== name) manager.joined(other, { canMap });
    }
  }

  get nodes(): readonly Node[] {
    return [...this.#nodes.values()];
  }

  get waiting(): number {
    return this.#letters.length;
  }

  /** Delivers all, and what is sent then. Each comes twice. */
  async settle(): Promise<void> {
    for (let idle = 0; idle < 3; idle++) {
      await new Promise((resolve) => setImmediate(resolve));
      const letters = this.#letters;
      this.#letters = [];
      if (letters.length > 0) idle = 0;
      for (const { from, to, bytes } of [...letters, ...letters]) {
        this.#nodes.get(to)?.manager.control(from, decode(v1.DescriptorControl, bytes));
      }
    }
  }

  /** A process ends: the others learn it, and what it was sent is lost. Its memory goes, too. */
  kill({ name, pool, manager: gone }: Node): void {
    this.#nodes.delete(name);
    this.#letters = this.#letters.filter(({ from }) => from !== name);
    for (const { manager } of this.#nodes.values()) manager.ended(name);
    gone.close();
    pool.close();
  }

  close(): void {
    for (const { manager, pool } of this.#nodes.values()) {
      manager.close();
      pool.close();
    }
  }

  #add(name: PeerIncarnation): void {
    const pool = openPool({ name, limitBytes: 16 * MIB, arenaBytes: MIB }, { memory: 'shared' });
    const send = (to: PeerIncarnation, control: v1.DescriptorControlInit): void => {
      this.#letters.push({ from: name, to, bytes: encode(v1.DescriptorControl, v1.DescriptorControl.create(control)) });
    };
    const manager = new RemoteDescriptorManager({
      self: name,
      pool,
      send,
      scheduler: new RealScheduler(),
      log: this.log,
    });
    this.#nodes.set(name, { name, pool, manager });
  }
}

/** A descriptor as it comes out of a link. */
export function overTheWire(message: v1.RemoteDescriptorInit): v1.RemoteDescriptor {
  return decode(v1.RemoteDescriptor, encode(v1.RemoteDescriptor, v1.RemoteDescriptor.create(message)));
}
