import { expect } from 'chai';
import fc from 'fast-check';
import { LargeShare, type Reservation } from '#src/actors/transport/large-share.js';
import { limits } from '#src/limits.js';

const POOL = 16 * limits.receiverLargeBytes;
const UNIT = limits.receiverLargeBytes / 16;

describe('the share of a link in the pool for large fields', () => {
  it('bounds each receiver and the link, but for one message, whatever is sent and freed', () => {
    const step = fc.oneof(
      fc.record({ receiver: fc.nat(20), units: fc.integer({ min: 1, max: 8 }) }),
      fc.record({ stored: fc.nat(100) }),
      fc.record({ freed: fc.nat(100) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.nat(POOL / UNIT / 2), (steps, usedByOthers) => {
        let freed = 0;
        const share = new LargeShare(() => (freed += 1));
        const held: { receiver: number; bytes: number; isStored: boolean; reserved: Reservation }[] = [];
        const total = (): number => held.reduce((sum, { bytes }) => sum + bytes, 0);
        const inPool = (): number => held.reduce((sum, { bytes, isStored }) => sum + (isStored ? bytes : 0), 0);
        const of = (wanted: number): number =>
          held.reduce((sum, { receiver, bytes }) => sum + (receiver === wanted ? bytes : 0), 0);
        let gone = 0;
        for (const each of steps) {
          if ('freed' in each) {
            const [first] = held.splice(each.freed, 1);
            first?.reserved.giveBack();
            first?.reserved.giveBack();
            gone += first === undefined ? 0 : 1;
          } else if ('stored' in each) {
            const found = held[each.stored];
            if (found === undefined) continue;
            found.isStored = true;
            found.reserved.stored();
          } else {
            const { receiver, units } = each;
            const bytes = units * UNIT;
            const free = POOL - usedByOthers * UNIT - inPool();
            const before = { total: total(), own: of(receiver) };
            const reserved = share.reserve(receiver, bytes, free);
            if (reserved === undefined) continue;
            held.push({ receiver, bytes, isStored: false, reserved });
            // Once all of it is stored, the link has no more than what is free.
            const left = POOL - usedByOthers * UNIT - total();
            if (before.total > 0) expect(total()).to.be.at.most(left);
            if (before.own > 0) expect(of(receiver)).to.be.at.most(limits.receiverLargeBytes);
          }
          expect(freed).to.equal(gone);
          expect(share.heldBytes).to.equal(total());
        }
      }),
    );
  });

  it('gives a receiver that holds nothing one message of any size', () => {
    const share = new LargeShare(() => {});
    const reserved = share.reserve('one', 2 * POOL, POOL);
    expect(share.reserve('other', 1, POOL)).to.equal(undefined);
    reserved?.giveBack();
    expect(share.reserve('other', 1, POOL)).not.to.equal(undefined);
  });
});
