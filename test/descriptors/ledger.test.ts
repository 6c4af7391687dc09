import { expect } from 'chai';
import fc from 'fast-check';
import { Ledger, type LedgerEffect, type LedgerEvent } from '#src/descriptors/index.js';
import { upTo } from '../support/numbers.js';
import { LedgerWorld } from './ledger-world.js';

/** A ledger after some events, and the effects of the last. */
function after(...events: readonly LedgerEvent[]): { ledger: Ledger; effects: readonly LedgerEffect[] } {
  const ledger = new Ledger();
  let effects: readonly LedgerEffect[] = [];
  for (const event of events) effects = ledger.apply(event);
  return { ledger, effects };
}

const begun: readonly LedgerEvent[] = [
  { kind: 'joined', peer: 'a' },
  { kind: 'joined', peer: 'b' },
  { kind: 'register', object: 1 },
];
const sent: readonly LedgerEvent[] = [...begun, { kind: 'send', object: 1, to: 'a' }, { kind: 'drop', object: 1 }];
const released = (by: string, object: number, total: number): LedgerEvent => ({
  kind: 'release',
  by,
  totals: new Map([[object, total]]),
});
/** Object 1 is free, and these peers had it. */
const freeOf = (...peers: readonly string[]): readonly LedgerEffect[] => [{ kind: 'free', object: 1, peers }];

describe('the ledger of an owner', () => {
  it('frees an object that was never sent when its owner drops it', () => {
    expect(after(...begun, { kind: 'drop', object: 1 }).effects).to.deep.equal(freeOf());
  });

  it('holds what is on its way, and frees it when it is given back', () => {
    const { ledger, effects } = after(...sent);
    expect(effects).to.deep.equal([]);
    expect(ledger.apply(released('a', 1, 1))).to.deep.equal(freeOf('a'));
    expect(ledger.objects).to.equal(0);
    // Late, or twice.
    expect(ledger.apply(released('a', 1, 1))).to.deep.equal([]);
  });

  it('takes totals, so that releases may come twice, late and in any order', () => {
    const { ledger } = after(...begun, ...upTo(3).map((): LedgerEvent => ({ kind: 'send', object: 1, to: 'a' })));
    for (const total of [2, 1, 2]) expect(ledger.apply(released('a', 1, total))).to.deep.equal([]);
    ledger.apply({ kind: 'drop', object: 1 });
    expect(ledger.apply(released('a', 1, 3))).to.deep.equal(freeOf('a'));
  });

  it('gives an object to one peer as if it made, sent and dropped it, also to one who is gone', () => {
    const given = after({ kind: 'joined', peer: 'a' }, { kind: 'give', object: 1, to: 'a' });
    expect(given.ledger.row(1)).to.deep.equal(after(...sent).ledger.row(1));
    expect(given.ledger.objectsOf('a')).to.deep.equal([1]);
    expect(given.ledger.apply(released('a', 1, 1))).to.deep.equal(freeOf('a'));
    const { effects } = after({ kind: 'give', object: 1, to: 'a' });
    expect(effects).to.deep.equal([{ kind: 'refused', to: 'a', object: 1 }, ...freeOf()]);
  });

  it('credits a peer that has ended with exactly what it held, and ignores what comes from it later', () => {
    const { ledger } = after(...sent, { kind: 'claim', object: 1, by: 'b', from: 'a', total: 1 });
    expect(ledger.apply({ kind: 'ended', peer: 'a' })).to.deep.equal([]);
    expect(ledger.apply(released('a', 1, 1))).to.deep.equal([]);
    expect(ledger.apply(released('b', 1, 1))).to.deep.equal(freeOf('b'));
  });

  it('charges a claim once, tells both, and keeps the one that forwarded liable until then', () => {
    const claim: LedgerEvent = { kind: 'claim', object: 1, by: 'b', from: 'a', total: 1 };
    const { ledger, effects } = after(...sent, claim);
    expect(effects).to.deep.equal([{ kind: 'claimed', by: 'b', from: 'a', total: 1, object: 1 }]);
    expect(ledger.apply(claim)).to.deep.equal(effects);
    expect(ledger.apply(released('a', 1, 1))).to.deep.equal([]);
    // The claim comes once more, after the one that forwarded has let go.
    expect(ledger.apply(claim)).to.deep.equal(effects);
    expect(ledger.apply(released('b', 1, 1))).to.deep.equal(freeOf('a', 'b'));
    expect(ledger.apply(claim)).to.deep.equal([{ kind: 'refused', to: 'b', object: 1 }]);
  });

  it('refuses a claim from one who has given the object back', () => {
    const held: readonly LedgerEvent[] = [...begun, { kind: 'send', object: 1, to: 'a' }, released('a', 1, 1)];
    const { effects } = after(...held, { kind: 'claim', object: 1, by: 'b', from: 'a', total: 1 });
    expect(effects).to.deep.equal([{ kind: 'refused', to: 'b', object: 1 }]);
  });

  it('refuses to send what is gone, and to one who is gone', () => {
    const { ledger } = after(...begun, { kind: 'ended', peer: 'a' });
    expect(ledger.apply({ kind: 'send', object: 1, to: 'a' })).to.deep.equal([{ kind: 'refused', to: 'a', object: 1 }]);
    ledger.apply({ kind: 'drop', object: 1 });
    expect(ledger.apply({ kind: 'send', object: 1, to: 'b' })).to.deep.equal([{ kind: 'refused', to: 'b', object: 1 }]);
  });

  it('frees what its peer never got, once', () => {
    const settled: LedgerEvent = { kind: 'settled', object: 1, by: 'a', sent: 1, received: 0 };
    const { ledger, effects } = after(...sent, settled);
    expect(effects).to.deep.equal(freeOf('a'));
    expect(ledger.apply(settled)).to.deep.equal([]);
  });

  it('holds what came, and what was sent after its peer had answered', () => {
    const settled: LedgerEvent = { kind: 'settled', object: 1, by: 'a', sent: 2, received: 1 };
    const { ledger } = after(...begun, ...upTo(3).map((): LedgerEvent => ({ kind: 'send', object: 1, to: 'a' })));
    for (const event of [settled, settled, { kind: 'drop', object: 1 } as const]) ledger.apply(event);
    expect(ledger.apply(released('a', 1, 1))).to.deep.equal([]);
    expect(ledger.apply(released('a', 1, 2))).to.deep.equal(freeOf('a'));
  });

  it('charges a claim of what a peer forwarded before it ended, and none of a peer that it does not know', () => {
    const { ledger } = after(...sent, { kind: 'send', object: 1, to: 'b' }, { kind: 'ended', peer: 'a' });
    const [charged] = ledger.apply({ kind: 'claim', object: 1, by: 'b', from: 'a', total: 1 });
    expect(charged).to.include({ kind: 'claimed', from: 'a' });
    for (const from of ['x', 'y']) {
      const [effect] = ledger.apply({ kind: 'claim', object: 1, by: 'b', from, total: 1 });
      expect(effect?.kind).to.equal('violation');
    }
    expect(ledger.apply(released('b', 1, 2))).to.deep.equal(freeOf('b'));
  });

  it('blames a peer for an object that does not exist, for too many releases, and for a claim from one who never had it', () => {
    const wrong: [LedgerEvent, RegExp][] = [
      [released('a', 7, 1), /object 7, which does not exist/],
      [released('a', 1, 2), /released an object 2 times that it got 1 times/],
      [released('b', 1, 1), /released an object 1 times that it got 0 times/],
      [{ kind: 'claim', object: 1, by: 'a', from: 'b', total: 1 }, /from b, which never had it/],
      [{ kind: 'claim', object: 9, by: 'a', from: 'b', total: 1 }, /object 9, which does not exist/],
      [
        { kind: 'settled', object: 1, by: 'a', sent: 1, received: 2 },
        /received an object 2 times that was sent 1 times/,
      ],
    ];
    for (const [event, reason] of wrong) {
      const [effect] = after(...sent, event).effects;
      expect(effect?.kind).to.equal('violation');
      expect(effect?.kind === 'violation' ? effect.reason : '').to.match(reason);
    }
  });

  it('frees everything, once, when its owner ends', () => {
    const { ledger, effects } = after(...sent, { kind: 'register', object: 2 }, { kind: 'closed' });
    expect(effects).to.deep.equal([...freeOf('a'), { kind: 'free', object: 2, peers: [] }]);
    expect(ledger.apply({ kind: 'closed' })).to.deep.equal([]);
    expect(ledger.apply(released('a', 1, 1))).to.deep.equal([]);
  });

  it('knows objects by numbers that only grow', () => {
    const { ledger } = after(...begun);
    expect(() => ledger.apply({ kind: 'register', object: 1 })).to.throw(RangeError);
  });
});

const n = fc.nat({ max: 1_000 });
const act: fc.Arbitrary<(world: LedgerWorld) => void> = fc.oneof(
  { weight: 3, arbitrary: fc.constant((world: LedgerWorld) => world.register()) },
  {
    weight: 6,
    arbitrary: fc.tuple(n, n).map(
      ([a, b]) =>
        (world: LedgerWorld) =>
          world.send(a, b),
    ),
  },
  { weight: 2, arbitrary: n.map((a) => (world: LedgerWorld) => world.drop(a)) },
  {
    weight: 6,
    arbitrary: fc.tuple(n, n, n).map(
      ([a, b, c]) =>
        (world: LedgerWorld) =>
          world.forward(a, b, c),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(n, n).map(
      ([a, b]) =>
        (world: LedgerWorld) =>
          world.dispose(a, b),
    ),
  },
  {
    weight: 20,
    arbitrary: fc.tuple(n, fc.boolean()).map(
      ([a, twice]) =>
        (world: LedgerWorld) =>
          world.deliver(a, twice),
    ),
  },
  { weight: 1, arbitrary: n.map((a) => (world: LedgerWorld) => world.kill(a)) },
  { weight: 3, arbitrary: n.map((a) => (world: LedgerWorld) => world.lose(a)) },
  { weight: 1, arbitrary: fc.constant((world: LedgerWorld) => world.join()) },
);

/** Runs many worlds with ledgers that `make` makes. Throws for the first in which an object was freed wrongly, or not at all. */
function explore(make: () => Ledger, options: fc.Parameters<[((world: LedgerWorld) => void)[]]>): void {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 120, size: 'max' }), (acts) => {
      const world = new LedgerWorld(4, make());
      for (const each of acts) each(world);
      world.end();
      expect(world.freed.size).to.equal(world.objects);
      expect(world.ledger.objects).to.equal(0);
      expect(world.unsettled()).to.deep.equal([]);
    }),
    options,
  );
}

/** Ledgers with one fault each: the property must find it. */
const faults: readonly { readonly name: string; readonly change: (event: LedgerEvent) => LedgerEvent | undefined }[] = [
  { name: 'an end of a peer that is overlooked', change: (event) => (event.kind === 'ended' ? undefined : event) },
  { name: 'a send that is not charged', change: (event) => (event.kind === 'send' ? undefined : event) },
  {
    name: 'a claim that says less than it should',
    change: (event) => (event.kind === 'claim' ? { ...event, total: event.total - 1 } : event),
  },
  {
    name: 'a release that is taken for more than it says',
    change: (event) =>
      event.kind === 'release'
        ? { ...event, totals: new Map([...event.totals].map(([object, total]) => [object, total + 1])) }
        : event,
  },
  { name: 'a lost descriptor that is overlooked', change: (event) => (event.kind === 'settled' ? undefined : event) },
  {
    name: 'an answer that is taken for less than it says',
    change: (event) => (event.kind === 'settled' ? { ...event, received: Math.max(0, event.received - 1) } : event),
  },
];

class FaultyLedger extends Ledger {
  readonly #change: (event: LedgerEvent) => LedgerEvent | undefined;

  constructor(change: (event: LedgerEvent) => LedgerEvent | undefined) {
    super();
    this.#change = change;
  }

  override apply(event: LedgerEvent): readonly LedgerEffect[] {
    const changed = this.#change(event);
    return changed === undefined ? [] : super.apply(changed);
  }
}

describe('a ledger, in any order of sends, forwards, claims, releases, losses and ends,', () => {
  it('frees each object once, never while it is held, and always in the end', function () {
    this.timeout(180_000);
    explore(() => new Ledger(), { numRuns: Number(process.env['MILLRACE_TEST_LEDGERS'] ?? 2_000) });
  });

  for (const { name, change } of faults) {
    it(`is found to have a fault: ${name}`, function () {
      this.timeout(180_000);
      const search = (): void =>
        explore(() => new FaultyLedger(change), { numRuns: 2_000, endOnFailure: true, seed: 7 });
      expect(search).to.throw();
    });
  }
});
