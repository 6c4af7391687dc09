import { expect } from 'chai';
import { bytesCodable, Descriptor } from '#src/descriptors/index.js';
import { Hub, type Node, overTheWire } from './hub.js';

/** Bytes of each value. */
export const SIZE = 100_000;

/** Three processes of a hub: one that owns values, one that reads them, and a third. */
export class Trio {
  readonly hub: Hub;
  readonly owner: Node;
  readonly reader: Node;
  readonly third: Node;

  constructor(memory: 'shared' | 'private' = 'shared') {
    this.hub = new Hub(3, memory);
    const [owner, reader, third] = this.hub.nodes;
    if (owner === undefined || reader === undefined || third === undefined) throw new Error('three nodes');
    [this.owner, this.reader, this.third] = [owner, reader, third];
  }

  /** A value that was born in the owner's pool, full of `fill`. */
  async born(fill: number): Promise<Descriptor<Uint8Array>> {
    const { pool } = this.owner;
    const block = await pool.allocate(SIZE);
    block.bytes.fill(fill);
    const descriptor = Descriptor.of(bytesCodable, block.bytes);
    await descriptor.encode(pool);
    block.dispose();
    return descriptor;
  }
}

export async function sent(from: Node, to: Node, descriptor: Descriptor<Uint8Array>): Promise<Descriptor<Uint8Array>> {
  const message = overTheWire(await from.manager.describe(descriptor, to.name));
  return to.manager.receive(from.name, message, bytesCodable);
}

export function expectNothingLeft(...nodes: readonly Node[]): void {
  for (const { manager, pool } of nodes) {
    expect(manager.statistics).to.deep.equal({ owned: 0, held: 0, violations: 0 });
    expect(pool.statistics).to.include({ blocks: 0, usedBytes: 0 });
  }
}
