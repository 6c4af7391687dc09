import { encode, v1 } from '#src/protocol/index.js';
import type { Target } from '../target.js';

/** Decoders with a fault that one mutation reaches: to test what finds it. */
export const faulty: Readonly<Record<'throws' | 'rejects' | 'exits', Target>> = {
  throws: target(() => {
    throw new TypeError('not an error of ours');
  }),
  rejects: target(() => void Promise.reject(new TypeError('nobody waits for this'))),
  exits: target(() => process.exit(7)),
};

function target(fail: () => void): Target {
  return {
    seeds: () => [Uint8Array.of(1, 2, 3)],
    feed: async (bytes) => {
      // Something of ours, which has coverage.
      encode(v1.Element, v1.Element.create({}));
      if (bytes.length > 3) fail();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}
