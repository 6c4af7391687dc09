import { expect } from 'chai';
import fc from 'fast-check';
import { PageRuns } from '#src/descriptors/pool/page-runs.js';
import { classBelow, roundToClass } from '#src/descriptors/pool/size-classes.js';
import { upTo } from '../support/numbers.js';

describe('the pages of an arena', () => {
  it('have size classes that waste a fifth at most, and count without gaps', () => {
    const sizes = [...new Set(upTo(5_000).map((pages) => roundToClass(pages + 1)))];
    expect(sizes.slice(0, 14)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24]);
    expect(sizes.map(classBelow)).to.deep.equal(upTo(sizes.length));
    for (const pages of upTo(5_000)) {
      const rounded = roundToClass(pages + 1);
      expect((rounded - pages - 1) / rounded).to.be.below(0.2);
    }
  });

  it('never belong to two runs, and all come back, in any order of taking and freeing', () => {
    const step = fc.record({ isTake: fc.boolean(), pages: fc.integer({ min: 1, max: 40 }), which: fc.nat() });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.array(step, { maxLength: 80, size: 'max' }), (total, steps) => {
        const runs = new PageRuns(total);
        const owner: (number | undefined)[] = upTo(total).map(() => undefined);
        const taken: number[] = [];
        const free = (first: number): void => {
          runs.free(first);
          owner.forEach((by, page) => by === first && (owner[page] = undefined));
        };
        for (const { isTake, pages, which } of steps) {
          if (isTake) {
            const longest = longestFree(owner);
            const first = runs.take(pages);
            // What fits is found.
            expect(first !== undefined).to.equal(longest >= pages);
            if (first === undefined) continue;
            const length = runs.takenAt(first);
            expect(length).to.be.at.least(pages);
            for (const page of upTo(length)) {
              expect(owner[first + page]).to.equal(undefined);
              owner[first + page] = first;
            }
            taken.push(first);
          } else if (taken.length > 0) {
            free(taken.splice(which % taken.length, 1)[0] ?? 0);
          }
          expect(runs.freePages).to.equal(owner.filter((by) => by === undefined).length);
          expect(runs.largestFree).to.equal(longestFree(owner));
        }
        for (const first of taken) free(first);
        expect([runs.freePages, runs.largestFree]).to.deep.equal([total, total]);
      }),
    );
  });

  it('are freed once', () => {
    const runs = new PageRuns(10);
    runs.take(4);
    expect(() => runs.free(1)).to.throw(RangeError);
    runs.free(0);
    expect(() => runs.free(0)).to.throw(RangeError);
  });
});

function longestFree(owner: readonly (number | undefined)[]): number {
  let [longest, length] = [0, 0];
  for (const by of owner) {
    length = by === undefined ? length + 1 : 0;
    longest = Math.max(longest, length);
  }
  return longest;
}
