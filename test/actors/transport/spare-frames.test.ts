import { expect } from 'chai';
import fc from 'fast-check';
import { SpareFrames } from '#src/actors/transport/spare-frames.js';

const KIB = 1024;

describe('spare frames', () => {
  it('are large enough, not much too large, and given to one at a time', () => {
    const steps = fc.array(fc.record({ sizeBytes: fc.integer({ min: 1, max: 300 * KIB }), isKept: fc.boolean() }));
    fc.assert(
      fc.property(steps, (all) => {
        const spares = new SpareFrames();
        const out = new Set<Uint8Array>();
        for (const { sizeBytes, isKept } of all) {
          const frame = spares.take(sizeBytes);
          expect(frame.length).to.be.within(sizeBytes, sizeBytes * 2);
          expect(out.has(frame)).to.equal(false);
          if (isKept) out.add(frame);
          else spares.giveBack(frame);
        }
      }),
    );
  });

  it('are used again', () => {
    const spares = new SpareFrames();
    const first = spares.take(64 * KIB);
    spares.giveBack(first);
    expect(spares.take(64 * KIB)).to.equal(first);
    expect(spares.take(64 * KIB)).not.to.equal(first);
  });

  it('take bounded memory, whatever is given back', () => {
    const spares = new SpareFrames();
    const given: Uint8Array[] = Array.from({ length: 200 }, () => new Uint8Array(64 * KIB));
    given.push(new Uint8Array(8 * KIB * KIB));
    for (const frame of given) spares.giveBack(frame);
    const taken = given.map(({ length }) => spares.take(length));
    const kept = taken.filter((frame) => given.includes(frame));
    expect(kept.reduce((sum, { length }) => sum + length, 0)).to.be.within(1, 4 * KIB * KIB);
  });
});
