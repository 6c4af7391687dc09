import { expect } from 'chai';
import fc from 'fast-check';
import { LargeShare } from '#src/actors/transport/large-share.js';
import { limits } from '#src/limits.js';

const POOL = 16 * limits.receiverLargeBytes;
const UNIT = limits.receiverLargeBytes / 16;

describe('the share of a link in the pool for large fields', () => {
  it('bounds each receiver and the link, but for one message, whatever is sent and freed', () => {
    const step = fc.oneof(
      fc.record({ receiver: fc.nat(20), units: fc.integer({ min: 1, max: 8 }) }),
      fc.record({ freed: fc.nat(100) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.nat(POOL / UNIT / 2), (steps, usedByOthers) => {
        const share = new LargeShare();
        const held: { readonly receiver: number; readonly bytes: number; readonly giveBack: () => void }[] = [];
        const total = (): number => held.reduce((sum, { bytes }) => sum + bytes, 0);
        const of = (wanted: number): number =>
          held.reduce((sum, { receiver, bytes }) => sum + (receiver === wanted ? bytes : 0), 0);
        for (const each of steps) {
          if ('freed' in each) {
            const [gone] = held.splice(each.freed, 1);
            gone?.giveBack();
            gone?.giveBack();
          } else {
            const { receiver, units } = each;
            const bytes = units * UNIT;
            const free = POOL - usedByOthers * UNIT - total();
            const before = { total: total(), own: of(receiver) };
            if (!share.admits(receiver, bytes, free)) continue;
            held.push({ receiver, bytes, giveBack: share.take(receiver, bytes) });
            if (before.total > 0) expect(total()).to.be.at.most(free);
            if (before.own > 0) expect(of(receiver)).to.be.at.most(limits.receiverLargeBytes);
          }
          expect(share.heldBytes).to.equal(total());
        }
      }),
    );
  });

  it('gives a receiver that holds nothing one message of any size', () => {
    const share = new LargeShare();
    expect(share.admits('one', 2 * POOL, POOL)).to.equal(true);
    const giveBack = share.take('one', 2 * POOL);
    expect(share.admits('other', 1, POOL)).to.equal(false);
    giveBack();
    expect(share.admits('other', 1, POOL)).to.equal(true);
  });
});
