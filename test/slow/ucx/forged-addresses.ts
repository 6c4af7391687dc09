import { segmentAt } from '../../transport/ucx/forger.js';
import { randomStream, type RandomStream } from '#src/scheduler/index.js';

/** Changes an address. `others`: genuine addresses of the same and of other fabrics. */
type Mutation = (address: Uint8Array, random: RandomStream, others: readonly Uint8Array[]) => Uint8Array;

const ID_AT = 1;
const ID_BYTES = 8;
const SEGMENT_BYTES = 8;

const mutations: readonly Mutation[] = [
  bitFlips,
  (address, random) => address.slice(0, below(random, address.length)),
  (address, random) => concat(address, bytes(random, 1 + below(random, 40))),
  splice,
  (address, random) => withBytes(address, below(random, address.length), bytes(random, 1 + below(random, 12))),
  (address, random) => withBytes(address, below(random, address.length), Uint8Array.of(0xff)),
  (_address, random) => bytes(random, 1 + below(random, 120)),
  // The changes that are likeliest to be admitted: another worker, another segment.
  (address, random) => withBytes(address, ID_AT, bytes(random, ID_BYTES)),
  otherSegment,
  (address, random) => bitFlips(withBytes(address, ID_AT, bytes(random, ID_BYTES)), random),
];

/** An endless row of forged addresses. The same seed gives the same row. */
export function* forgedAddresses(genuine: readonly Uint8Array[], seed: string): Generator<Uint8Array, never> {
  const random = randomStream(seed);
  for (;;) {
    const address = genuine[below(random, genuine.length)] ?? new Uint8Array(0);
    const mutation = mutations[below(random, mutations.length)] ?? bitFlips;
    const forged = mutation(address, random, genuine);
    yield forged.length === 0 ? Uint8Array.of(0) : forged;
  }
}

function bitFlips(address: Uint8Array, random: RandomStream): Uint8Array {
  const flipped = address.slice();
  for (let count = 1 + below(random, 4); count > 0; count -= 1) {
    const at = below(random, flipped.length);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << below(random, 8));
  }
  return flipped;
}

function splice(address: Uint8Array, random: RandomStream, others: readonly Uint8Array[]): Uint8Array {
  const other = others[below(random, others.length)] ?? address;
  return concat(address.slice(0, below(random, address.length)), other.slice(below(random, other.length)));
}

/** Another descriptor of the same process: files, sockets, and segments of another size. */
function otherSegment(address: Uint8Array, random: RandomStream): Uint8Array {
  const changed = address.slice();
  const view = new DataView(changed.buffer, Math.min(segmentAt(address), address.length - SEGMENT_BYTES));
  const process = view.getBigUint64(0, true) & ((1n << 30n) - 1n);
  const flags = view.getBigUint64(0, true) >> 60n;
  view.setBigUint64(0, (flags << 60n) | (BigInt(below(random, 64)) << 30n) | process, true);
  return changed;
}

function withBytes(address: Uint8Array, at: number, replacement: Uint8Array): Uint8Array {
  const changed = address.slice();
  changed.set(replacement.subarray(0, changed.length - at), at);
  return changed;
}

function concat(left: Uint8Array, right: Uint8Array): Uint8Array {
  return Uint8Array.from([...left, ...right]);
}

function bytes(random: RandomStream, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => below(random, 256));
}

function below(random: RandomStream, bound: number): number {
  return Math.floor(random() * bound);
}
