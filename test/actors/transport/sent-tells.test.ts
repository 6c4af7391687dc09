import { expect } from 'chai';
import fc from 'fast-check';
import { BacklogBuffers } from '#src/actors/transport/backlog-buffers.js';
import { SentTells } from '#src/actors/transport/sent-tells.js';

const CHUNK_BYTES = 64;

/** A pool that counts the buffers that it has lent. */
class CountingPool extends BacklogBuffers {
  lent = 0;

  override acquire(sizeBytes: number): Uint8Array {
    this.lent += 1;
    return super.acquire(sizeBytes);
  }

  override release(frame: Uint8Array): void {
    this.lent -= 1;
    super.release(frame);
  }
}

describe('copies of tells that were sent', () => {
  it('are kept until their frames are taken, and come back in order without those that were', () => {
    const frame = fc.record({ size: fc.integer({ min: 1, max: 3 * CHUNK_BYTES }), isAdopted: fc.boolean() });
    fc.assert(
      fc.property(fc.array(frame), fc.array(fc.nat(40)), fc.nat(), (frames, takenSteps, last) => {
        const pool = new CountingPool();
        const sent = new SentTells(pool, CHUNK_BYTES);
        for (const [index, { size, isAdopted }] of frames.entries()) {
          const bytes = new Uint8Array(size).fill(index);
          if (isAdopted) {
            const own = pool.acquire(size);
            own.set(bytes);
            sent.adopt(own, size, index + 1);
          } else {
            sent.keep(bytes);
            sent.sent(index + 1);
          }
        }
        let taken = 0;
        for (const step of takenSteps) {
          taken = Math.min(frames.length, taken + step);
          sent.release(taken);
        }
        taken = Math.max(taken, last % (frames.length + 1));
        const expected = frames.flatMap(({ size }, index) => (index < taken ? [] : Array<number>(size).fill(index)));
        expect(sent.untaken(taken).flatMap((bytes) => [...bytes])).to.deep.equal(expected);
        expect(sent.untaken(0)).to.deep.equal([]);
      }),
    );
  });

  it('hold no buffer when all was taken', () => {
    const pool = new CountingPool();
    const sent = new SentTells(pool, CHUNK_BYTES);
    for (let total = 1; total <= 100; total++) {
      sent.keep(new Uint8Array(7));
      sent.sent(total);
      sent.release(total - 1);
      expect(pool.lent).to.be.at.most(2);
    }
    sent.release(100);
    expect(pool.lent).to.equal(0);
  });
});
