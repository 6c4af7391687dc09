import { type Codable, RemoteDescriptorManager, type StoragePool } from '#src/descriptors/index.js';
import { ProtocolError, UnreachableError } from '#src/errors.js';
import { silentLogger } from '#src/logging/index.js';
import { decode, encode, v1 } from '#src/protocol/index.js';
import { holds, type Target } from '../target.js';

const SELF = '1:1';
const PEER = '2:1';
const peer = { ordinal: 2, incarnation: 1n };

const parts: Codable<number> = {
  typeName: 'fuzz.Parts',
  encode: () => {},
  decode: (storage) => storage.parts,
};

const pool: StoragePool = {
  allocate: () => Promise.reject(new RangeError('Nothing is fetched here.')),
  countCopy: () => {},
};

/** Messages about values, of a peer that is there. The first byte of an input says whether it is a description or a control message. */
export const descriptors: Target = {
  seeds: () => [
    input(0, encode(v1.RemoteDescriptor, description())),
    input(0, encode(v1.RemoteDescriptor, v1.RemoteDescriptor.create({ typeName: parts.typeName }))),
    input(1, control({ case: 'releases', value: { totals: [{ object: 1, total: 1 }] } })),
    input(1, control({ case: 'claim', value: { object: { owner: peer, number: 1 }, by: peer, from: peer, total: 1 } })),
    input(1, control({ case: 'freed', value: { objects: [1, 2] } })),
    input(1, control({ case: 'withdrawal', value: { arenas: [1] } })),
  ],
  words: ['fuzz.Parts', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f)],
  feed: (bytes) => {
    const manager = new RemoteDescriptorManager({
      self: SELF,
      pool,
      send: () => {},
      fetch: () => Promise.reject(new RangeError('Nothing is fetched here.')),
      scheduler: { schedule: () => {}, now: () => 0 },
      log: silentLogger,
    });
    manager.joined(PEER);
    try {
      if ((bytes[0] ?? 0) % 2 === 1) manager.control(PEER, decode(v1.DescriptorControl, bytes.subarray(1)));
      else manager.receive(PEER, decode(v1.RemoteDescriptor, bytes.subarray(1)), parts).dispose();
    } catch (error) {
      if (!(error instanceof ProtocolError) && !(error instanceof UnreachableError)) throw error;
    }
    holds(manager.statistics.owned === 0, 'a message of a peer made an object of this partition');
    manager.ended(PEER);
    holds(manager.statistics.held === 0, 'an object is held of a peer that has ended');
  },
};

function description(): v1.RemoteDescriptor {
  return v1.RemoteDescriptor.create({
    object: { owner: peer, number: 1, send: 1 },
    typeName: parts.typeName,
    parts: [
      { place: { case: 'block', value: { arena: 1, offset: 0, sizeBytes: 4_096 } } },
      { place: { case: 'fetched', value: 70_000 } },
      { place: { case: 'inline', value: Uint8Array.of(1, 2, 3) } },
    ],
    arenas: [{ arena: 1, sizeBytes: 8_192, host: 'a', pid: 1, fd: 3, inode: 9n }],
  });
}

function control(message: v1.DescriptorControlInit['message']): Uint8Array {
  return encode(v1.DescriptorControl, v1.DescriptorControl.create({ message }));
}

function input(kind: number, encoded: Uint8Array): Uint8Array {
  return Uint8Array.from([kind, ...encoded]);
}
