/** A process that publishes and holds values, with a manager. Its parent carries all messages between it and others. */
import { bytesCodable, Descriptor, peerIncarnation, RemoteDescriptorManager } from '#src/descriptors/index.js';
import { silentLogger } from '#src/logging/index.js';
import { decode, encode, v1 } from '#src/protocol/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { MIB, openPool } from './pools.js';

/** What the parent says. Bytes travel as base64. */
export type Order =
  | { readonly kind: 'joined' | 'ended'; readonly peer: string }
  | { readonly kind: 'publish'; readonly to: string; readonly sizeBytes: number; readonly fill: number }
  | { readonly kind: 'receive'; readonly from: string; readonly message: string }
  | { readonly kind: 'forward'; readonly to: string; readonly which: number }
  | { readonly kind: 'check'; readonly which: number; readonly fill: number }
  | { readonly kind: 'dispose'; readonly which: number }
  | { readonly kind: 'control'; readonly from: string; readonly control: string }
  | { readonly kind: 'state' | 'trim' };

/** What this process says: a control message for another, or the answer to an order. */
export type Said =
  | { readonly kind: 'control'; readonly to: string; readonly control: string }
  | { readonly kind: 'answer'; readonly answer: unknown };

const name = peerIncarnation({ ordinal: process.pid, incarnation: 1n });
const pool = openPool({ limitBytes: 32 * MIB, arenaBytes: 4 * MIB }, { memory: 'shared' });
const manager = new RemoteDescriptorManager({
  self: name,
  pool,
  scheduler: new RealScheduler(),
  log: silentLogger,
  fetch: () => Promise.reject(new Error('all memory here can be mapped')),
  send: (to, control) =>
    say({ kind: 'control', to, control: text(encode(v1.DescriptorControl, v1.DescriptorControl.create(control))) }),
});
const held: Descriptor<Uint8Array>[] = [];
const values = new Map<Descriptor<Uint8Array>, Uint8Array>();

process.on('message', (order: Order) => {
  void obey(order).then((answer) => {
    if (order.kind !== 'control') say({ kind: 'answer', answer });
  });
});
process.on('disconnect', () => process.exit(0));
say({ kind: 'answer', answer: name });

async function obey(order: Order): Promise<unknown> {
  switch (order.kind) {
    case 'joined':
      return manager.joined(order.peer);
    case 'ended':
      return manager.ended(order.peer);
    case 'publish': {
      using block = await pool.allocate(order.sizeBytes);
      block.bytes.fill(order.fill);
      return await described(Descriptor.of(bytesCodable, block.bytes), order.to);
    }
    case 'receive':
      return (
        held.push(manager.receive(order.from, decode(v1.RemoteDescriptor, bytes(order.message)), bytesCodable)) - 1
      );
    case 'forward': {
      const descriptor = held[order.which];
      return descriptor === undefined ? undefined : described(descriptor, order.to);
    }
    case 'check':
      return check(held[order.which], order.fill);
    case 'dispose':
      return held[order.which]?.dispose();
    case 'control': {
      const objects = manager.control(order.from, decode(v1.DescriptorControl, bytes(order.control)));
      if (objects.length === 0) return;
      const freed = v1.DescriptorControl.create({ message: { case: 'freed', value: { objects } } });
      return say({ kind: 'control', to: order.from, control: text(encode(v1.DescriptorControl, freed)) });
    }
    case 'trim':
      return pool.trim();
    case 'state': {
      const { blocks, bytesCopied } = pool.statistics;
      return { ...manager.statistics, blocks, bytesCopied };
    }
  }
}

async function described(descriptor: Descriptor<Uint8Array>, to: string): Promise<string> {
  return text(encode(v1.RemoteDescriptor, await manager.describe(descriptor, to)));
}

/** Reads every byte, the first time from where it lies. Says `good`, `garbage`, or the error. */
async function check(descriptor: Descriptor<Uint8Array> | undefined, fill: number): Promise<string> {
  if (descriptor === undefined) return 'nothing';
  try {
    const value = values.get(descriptor) ?? (await descriptor.takeValue());
    values.set(descriptor, value);
    return value.every((byte) => byte === fill) ? 'good' : 'garbage';
  } catch (error) {
    return error instanceof Error ? error.name : 'thrown';
  }
}

function say(said: Said): void {
  process.send?.(said);
}

function text(data: Uint8Array): string {
  return Buffer.from(data).toString('base64');
}

function bytes(data: string): Uint8Array {
  return new Uint8Array(Buffer.from(data, 'base64'));
}
