import { expect } from 'chai';
import fc from 'fast-check';
import { emptySlots, grownSlots, RingQueue } from '#src/ring-queue.js';

type Step = { readonly do: 'push' | 'unshift'; readonly item: number } | { readonly do: 'shift' | 'drain' | 'clear' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('push', 'unshift'), item: fc.nat() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('shift') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('drain', 'clear') }) },
);

/** Does the step to both, and holds that they give the same. */
function take(queue: RingQueue<number>, model: number[], taken: Step): void {
  switch (taken.do) {
    case 'push':
    case 'unshift':
      queue[taken.do](taken.item);
      model[taken.do](taken.item);
      break;
    case 'shift':
      expect(queue.shift()).to.equal(model.shift());
      break;
    case 'drain':
      expect(queue.drain()).to.deep.equal(model.splice(0));
      break;
    case 'clear':
      queue.clear();
      model.length = 0;
  }
}

describe('a ring queue', () => {
  it('holds what an array would, in the same order', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new RingQueue<number>();
        const model: number[] = [];
        for (const taken of steps) {
          take(queue, model, taken);
          expect([queue.size, queue.peek(), queue.last()]).to.deep.equal([model.length, model[0], model.at(-1)]);
        }
        expect([...queue]).to.deep.equal(model);
      }),
    );
  });

  it('grows from any head, to twice its size', () => {
    for (const head of [0, 1, 7]) {
      const ring = Array.from({ length: 8 }, (_, index) => (index - head + 8) % 8);
      expect(grownSlots(ring, head)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, ...emptySlots(8)]);
    }
  });
});
