import { expect } from 'chai';
import * as fc from 'fast-check';
import { Engines } from '#src/actors/values/index.js';
import { upTo } from '../../support/numbers.js';
import { turn } from '../../support/until.js';

describe('engines', () => {
  it('run as many operations at a time as there are engines, in order, whatever the order in which they end and fail', async () => {
    const operations = fc.array(fc.record({ turns: fc.integer({ min: 1, max: 4 }), fails: fc.boolean() }), {
      maxLength: 30,
    });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), operations, async (count, all) => {
        const engines = new Engines(count);
        const begun: number[] = [];
        let [running, most] = [0, 0];
        const ended = all.map(({ turns, fails }, index) =>
          engines.run(async () => {
            begun.push(index);
            most = Math.max(most, ++running);
            for (const _ of upTo(turns)) await turn();
            running -= 1;
            if (fails) throw new RangeError('it fails');
            return index;
          }),
        );
        const settled = await Promise.allSettled(ended);
        expect(settled.map(({ status }) => status === 'rejected')).to.deep.equal(all.map(({ fails }) => fails));
        expect(begun).to.deep.equal(upTo(all.length));
        expect(most).to.equal(Math.min(count, all.length));
        expect(engines.statistics).to.deep.equal({ engines: count, running: 0, waiting: 0, begun: all.length });
      }),
      { numRuns: 50 },
    );
  });
});
