import { expect } from 'chai';
import fc from 'fast-check';
import { creditOf, nextGrant } from '#src/client/stream-credit.js';
import { limits } from '#src/limits.js';

describe('the credit of a stream that a client reads', () => {
  it('opens no more than a gateway accepts, and always enough for the next that waits', () => {
    const step = fc.constantFrom('next', 'element', 'next', 'burst');
    const windowItems = fc.constantFrom(1, 2, 3, 16, 1_000, limits.gatewayWindowItems);
    fc.assert(
      fc.property(windowItems, fc.array(step, { maxLength: 400 }), fc.nat(2_000), (window, steps, before) => {
        let [asked, received] = [1 + before, 0];
        let granted = creditOf({ asked, received, windowItems: window });
        for (const each of steps) {
          if (each === 'next') asked++;
          if (each === 'burst') asked += 700;
          if (each === 'element' && received < granted) received++;
          const grant = nextGrant({ asked, received, granted, windowItems: window });
          if (grant !== undefined) expect(grant).to.be.above(granted);
          granted = grant ?? granted;
          expect(granted - received, 'open').to.be.at.most(limits.gatewayWindowItems);
          if (asked > received) expect(granted, 'for the one that waits').to.be.above(received);
        }
      }),
    );
  });
});
