import { type MemoryPool, type PeerIncarnation, RemoteDescriptorManager } from '#src/descriptors/index.js';
import { UnreachableError } from '#src/errors.js';
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

  /** `nodes`: as many, all of which know each other. `memory`: private memory cannot be mapped by others. */
  constructor(nodes: number, memory: 'shared' | 'private' = 'shared') {
    for (let count = 1; count <= nodes; count++) this.#add(`${count}:${count}`, memory);
    for (const { manager, name } of this.#nodes.values()) {
      for (const other of this.#nodes.keys()) if (other !== name) manager.joined(other);
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
        const objects = this.#nodes.get(to)?.manager.control(from, decode(v1.DescriptorControl, bytes)) ?? [];
        if (objects.length > 0) this.#nodes.get(from)?.manager.freed(to, objects);
      }
    }
  }

  /** A process asks another what came of descriptors that may be lost. It answers at once. */
  settleLost(sender: Node, receiver: Node, messages: readonly v1.RemoteDescriptor[]): void {
    const asked = sender.manager.inDoubt(messages, receiver.name).map((receipt) => v1.ObjectReceipt.create(receipt));
    const answer = receiver.manager.receipts(sender.name, asked).map((receipt) => v1.ObjectReceipt.create(receipt));
    // The answer may come twice.
    for (const receipts of [answer, answer]) sender.manager.settled(receiver.name, receipts);
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

  #add(name: PeerIncarnation, memory: 'shared' | 'private'): void {
    const pool = openPool({ name, limitBytes: 16 * MIB, arenaBytes: MIB }, { memory });
    const send = (to: PeerIncarnation, control: v1.DescriptorControlInit): void => {
      this.#letters.push({ from: name, to, bytes: encode(v1.DescriptorControl, v1.DescriptorControl.create(control)) });
    };
    const manager = new RemoteDescriptorManager({
      self: name,
      pool,
      send,
      fetch: (owner, object, part, into) => this.#fetch(name, owner, object, part, into),
      scheduler: new RealScheduler(),
      log: this.log,
    });
    this.#nodes.set(name, { name, pool, manager });
  }

  async #fetch(
    by: PeerIncarnation,
    owner: PeerIncarnation,
    object: number,
    part: number,
    into: Uint8Array,
  ): Promise<void> {
    const node = this.#nodes.get(owner);
    if (node === undefined) throw new UnreachableError(`${owner} has ended`);
    into.set(node.manager.part(object, part, by));
  }
}

/** A descriptor as it comes out of a link. */
export function overTheWire(message: v1.RemoteDescriptorInit): v1.RemoteDescriptor {
  return decode(v1.RemoteDescriptor, encode(v1.RemoteDescriptor, v1.RemoteDescriptor.create(message)));
}
