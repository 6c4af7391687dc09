import { expect } from 'chai';
import fc from 'fast-check';
import { emptySlots, grownSlots, RingQueue } from '#src/ring-queue.js';

type Step = 'push' | 'unshift' | 'shift' | 'pop' | 'drain' | 'clear';

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant<Step>('push') },
    { weight: 1, arbitrary: fc.constant<Step>('unshift') },
    { weight: 4, arbitrary: fc.constant<Step>('shift') },
    { weight: 2, arbitrary: fc.constant<Step>('pop') },
    { weight: 1, arbitrary: fc.constantFrom<Step>('drain', 'clear') },
  ),
  { maxLength: 200 },
);

describe('a ring queue', () => {
  it('keeps the order of an array, whatever is added and taken', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const ring = new RingQueue<number>();
        let items: number[] = [];
        for (const [number, step] of all.entries()) {
          if (step === 'push') items.push(number);
          if (step === 'unshift') items.unshift(number);
          const expected = step === 'shift' ? items.shift() : step === 'pop' ? items.pop() : undefined;
          const drained = step === 'drain' ? items : [];
          if (step === 'drain' || step === 'clear') items = [];
          expect(take(ring, step, number)).to.deep.equal(step === 'drain' ? drained : expected);
          expect([ring.size, ring.peek(), ring.last()]).to.deep.equal([items.length, items[0], items.at(-1)]);
          expect([...ring]).to.deep.equal(items);
        }
      }),
    );
  });

  it('grows from any head, to twice its size', () => {
    for (const head of [0, 1, 7]) {
      const slots = Array.from({ length: 8 }, (_, index) => (index - head + 8) % 8);
      expect(grownSlots(slots, head)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, ...emptySlots(8)]);
    }
  });

  it('takes thousands of items, and releases them', () => {
    const ring = new RingQueue<number>();
    for (let item = 0; item < 10_000; item++) ring.push(item);
    for (let item = 0; item < 10_000; item++) expect(ring.shift()).to.equal(item);
    ring.push(1);
    expect(ring.drain()).to.deep.equal([1]);
  });
});

function take(ring: RingQueue<number>, step: Step, number: number): unknown {
  switch (step) {
    case 'push':
      return ring.push(number);
    case 'unshift':
      return ring.unshift(number);
    case 'shift':
      return ring.shift();
    case 'pop':
      return ring.pop();
    case 'drain':
      return ring.drain();
    case 'clear':
      return ring.clear();
  }
}
