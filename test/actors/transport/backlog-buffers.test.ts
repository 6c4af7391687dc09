import { expect } from 'chai';
import fc from 'fast-check';
import { BacklogBuffers } from '#src/actors/transport/backlog-buffers.js';

const KIB = 1024;

describe('BacklogBuffers', () => {
  it('returns buffers of the size asked for to twice that, each to one holder at a time', () => {
    const steps = fc.array(fc.record({ sizeBytes: fc.integer({ min: 1, max: 300 * KIB }), isKept: fc.boolean() }));
    fc.assert(
      fc.property(steps, (all) => {
        const pool = new BacklogBuffers();
        const out = new Set<Uint8Array>();
        for (const { sizeBytes, isKept } of all) {
          const frame = pool.acquire(sizeBytes);
          expect(frame.length).to.be.within(sizeBytes, sizeBytes * 2);
          expect(out.has(frame)).to.equal(false);
          if (isKept) out.add(frame);
          else pool.release(frame);
        }
      }),
    );
  });

  it('reuses released buffers', () => {
    const pool = new BacklogBuffers();
    const first = pool.acquire(64 * KIB);
    pool.release(first);
    expect(pool.acquire(64 * KIB)).to.equal(first);
    expect(pool.acquire(64 * KIB)).not.to.equal(first);
  });

  it('keeps bounded memory, whatever is released', () => {
    const pool = new BacklogBuffers();
    const given: Uint8Array[] = Array.from({ length: 200 }, () => new Uint8Array(64 * KIB));
    given.push(new Uint8Array(8 * KIB * KIB));
    for (const frame of given) pool.release(frame);
    const taken = given.map(({ length }) => pool.acquire(length));
    const kept = taken.filter((frame) => given.includes(frame));
    expect(kept.reduce((sum, { length }) => sum + length, 0)).to.be.within(1, 4 * KIB * KIB);
  });
});
