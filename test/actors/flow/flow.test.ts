import { expect } from 'chai';
import fc from 'fast-check';
import { CreditTotals, ElementOrder, SentElements } from '#src/actors/flow/index.js';

/** What may happen to a frame on a bad network, or at an end. */
type Step =
  | { readonly kind: 'write'; readonly sizeBytes: number }
  | { readonly kind: 'read' }
  | { readonly kind: 'deliver' | 'lose' | 'double'; readonly way: 'there' | 'back'; readonly place: number };

const way = fc.constantFrom('there' as const, 'back' as const);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('write' as const), sizeBytes: fc.nat(40) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('read' as const) }) },
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constantFrom('deliver' as const, 'deliver' as const, 'lose' as const, 'double' as const),
        way,
        place: fc.nat(50),
      }),
    },
  ),
  { maxLength: 300 },
);

interface Frame {
  readonly sequence: number;
  readonly value: number;
}

interface Credit {
  readonly items: number;
  readonly bytes: number;
  readonly received: number;
  readonly hasGap: boolean;
}

const WINDOW = { items: 5, bytes: 60 };

/** A writer and a reader, and between them what is on its way. */
class Pair {
  readonly there: Frame[] = [];
  readonly back: Credit[] = [];
  readonly arrived: number[] = [];
  readonly sizes: number[] = [];
  readonly #credit = new CreditTotals();
  readonly #kept = new SentElements<number>();
  readonly #order = new ElementOrder();
  #sentBytes = 0;
  #readItems = 0;
  #readBytes = 0;
  #granted = { items: 0, bytes: 0 };

  constructor() {
    this.#grant(false);
  }

  write(sizeBytes: number): void {
    if (!this.#credit.allows({ items: this.sizes.length, bytes: this.#sentBytes })) return;
    expect(this.sizes.length, 'items beyond the credit').to.be.below(this.#granted.items);
    expect(this.#sentBytes, 'bytes beyond the credit').to.be.below(this.#granted.bytes);
    const value = this.sizes.length;
    this.sizes.push(sizeBytes);
    this.#sentBytes += sizeBytes;
    this.#kept.keep(value, sizeBytes);
    this.there.push({ sequence: value, value });
  }

  read(): void {
    const sizeBytes = this.#readItems < this.arrived.length ? this.sizes[this.#readItems] : undefined;
    if (sizeBytes === undefined) return;
    this.#readItems++;
    this.#readBytes += sizeBytes;
    this.#grant(false);
  }

  deliver({ sequence, value }: Frame): void {
    const place = this.#order.placeOf(sequence);
    if (place === 'gap' && this.#order.noteGap()) this.#grant(true);
    if (place !== 'next') return;
    this.#order.accept();
    this.arrived.push(value);
  }

  deliverBack({ items, bytes, received, hasGap }: Credit): void {
    this.#credit.grant({ items, bytes });
    this.#kept.arrived(received);
    const kept = [...this.#kept];
    expect(this.#kept.bytes).to.equal(kept.reduce((sum, [, value]) => sum + (this.sizes[value] ?? 0), 0));
    if (hasGap) this.there.push(...kept.map(([sequence, value]) => ({ sequence, value })));
  }

  /** Nothing is lost any more, and the reader reports what it has. */
  settle(): void {
    this.#grant(true);
    for (let credit = this.back.shift(); credit !== undefined; credit = this.back.shift()) this.deliverBack(credit);
    for (let frame = this.there.shift(); frame !== undefined; frame = this.there.shift()) this.deliver(frame);
  }

  #grant(hasGap: boolean): void {
    this.#granted = { items: this.#readItems + WINDOW.items, bytes: this.#readBytes + WINDOW.bytes };
    this.back.push({ ...this.#granted, received: this.#order.received, hasGap });
  }
}

function apply(pair: Pair, step: Step): void {
  if (step.kind === 'write') return pair.write(step.sizeBytes);
  if (step.kind === 'read') return pair.read();
  if (step.way === 'there') move(pair.there, step, (frame) => pair.deliver(frame));
  else move(pair.back, step, (credit) => pair.deliverBack(credit));
}

function move<T>(queue: T[], { kind, place }: { kind: string; place: number }, deliver: (item: T) => void): void {
  const index = queue.length === 0 ? 0 : place % queue.length;
  const item = queue[index];
  if (item === undefined) return;
  if (kind !== 'double') queue.splice(index, 1);
  if (kind !== 'lose') deliver(item);
}

describe('the flow of a stream', () => {
  it('delivers each element once and in order, within its credit, over a network that loses, doubles and reorders', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const pair = new Pair();
        for (const step of all) {
          apply(pair, step);
          expect(pair.arrived).to.deep.equal([...pair.arrived.keys()]);
        }
        pair.settle();
        expect(pair.arrived).to.have.length(pair.sizes.length);
      }),
    );
  });

  it('forgets the element that was not sent, and all of them when they are given up', () => {
    const sent = new SentElements<string>();
    for (const value of ['a', 'b', 'c']) sent.keep(value, 10);
    sent.unkeep();
    sent.arrived(1);
    expect([...sent]).to.deep.equal([[1, 'b']]);
    sent.keep('d', 5);
    expect([[...sent], sent.bytes]).to.deep.equal([
      [
        [1, 'b'],
        [2, 'd'],
      ],
      15,
    ]);
    sent.arrived(0);
    expect([...sent]).to.have.length(2);
    sent.forget();
    expect([[...sent], sent.bytes]).to.deep.equal([[], 0]);
  });

  it('lets one element pass that is larger than what is granted, and then none', () => {
    const credit = new CreditTotals({ items: 9, bytes: 1 });
    expect(credit.allows({ items: 0, bytes: 0 })).to.equal(true);
    expect(credit.allows({ items: 1, bytes: 100 })).to.equal(false);
    credit.grant({ items: 2, bytes: 101 });
    expect([credit.items, credit.allows({ items: 8, bytes: 100 })]).to.deep.equal([9, true]);
  });
});
