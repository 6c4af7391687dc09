import { expect } from 'chai';
import fc from 'fast-check';
import { IncomingStream } from '#src/actors/pubsub/incoming-stream.js';
import { OutgoingStream } from '#src/actors/pubsub/outgoing-stream.js';

/** What may happen next: the writer writes or asks, the reader reads, or something on its way is delivered, lost or doubled. */
type Step =
  | { readonly kind: 'write'; readonly sizeBytes: number }
  | { readonly kind: 'read' | 'probe' }
  | { readonly kind: 'deliver' | 'lose' | 'double'; readonly way: 'there' | 'back'; readonly place: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('write' as const), sizeBytes: fc.nat({ max: 40 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('read' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('probe' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'deliver' as const,
        'deliver' as const,
        'deliver' as const,
        'lose' as const,
        'double' as const,
      ),
      way: fc.constantFrom('there' as const, 'back' as const),
      place: fc.nat({ max: 50 }),
    }),
  },
);

interface Sent {
  readonly sequence: number;
  readonly sizeBytes: number;
  readonly isEnd: boolean;
  readonly isProbe: boolean;
}

interface Grant {
  readonly items: number;
  readonly bytes: number;
  readonly received: number;
  readonly hasGap: boolean;
}

/** A writer and a reader with nothing but a bad network between them, as publisher and subscriber use the two streams. */
class Pair {
  readonly outgoing = new OutgoingStream<number>(true);
  readonly incoming: IncomingStream;
  readonly there: Sent[] = [];
  readonly back: Grant[] = [];
  readonly sizes: number[] = [];
  readonly queue: number[] = [];
  readonly read: number[] = [];
  gapsReported = 0;
  readonly #window: { readonly items: number; readonly bytes: number };

  constructor(window: { readonly items: number; readonly bytes: number }) {
    this.#window = window;
    this.incoming = new IncomingStream(window);
    this.#grant(false);
  }

  write(sizeBytes: number): boolean {
    if (!this.outgoing.hasCredit) return false;
    const sequence = this.outgoing.take(this.sizes.length);
    this.outgoing.sentBytes += sizeBytes;
    this.sizes.push(sizeBytes);
    this.there.push({ sequence, sizeBytes, isEnd: false, isProbe: false });
    this.#checkCredit();
    return true;
  }

  end(): void {
    this.outgoing.isEnded = true;
    this.#sendEnd();
  }

  probe(): void {
    const sequence = this.outgoing.sent + (this.outgoing.isEnded ? 1 : 0);
    this.there.push({ sequence, sizeBytes: 0, isEnd: false, isProbe: true });
  }

  readOne(): void {
    const value = this.queue.shift();
    if (value === undefined) return;
    this.read.push(value);
    this.incoming.read(this.sizes[value] ?? 0);
    if (!this.incoming.isEnded && this.incoming.isGrantDue) this.#grant(false);
  }

  deliverThere(sent: Sent): void {
    if (sent.isProbe) {
      this.#grant(sent.sequence > this.incoming.received);
      return;
    }
    const arrival = this.incoming.arrive(sent.sequence);
    if (arrival === 'gap' && this.incoming.noteGap()) this.#grant(true);
    if (arrival !== 'next') return;
    if (sent.isEnd) {
      this.incoming.isEnded = true;
      this.#grant(false);
    } else {
      this.queue.push(sent.sequence);
    }
  }

  deliverBack(grant: Grant): void {
    this.outgoing.grant(grant);
    if (!grant.hasGap) return;
    this.gapsReported++;
    for (const [sequence, value] of this.outgoing.unacknowledged()) {
      this.there.push({ sequence, sizeBytes: this.sizes[value] ?? 0, isEnd: false, isProbe: false });
    }
    if (this.outgoing.isEnded) this.#sendEnd();
  }

  #sendEnd(): void {
    this.there.push({ sequence: this.outgoing.sent, sizeBytes: 0, isEnd: true, isProbe: false });
  }

  #grant(hasGap: boolean): void {
    this.back.push({ ...this.incoming.grant(), received: this.incoming.received, hasGap });
  }

  /** What is on its way and not read never passes the window, the last element's bytes apart. */
  #checkCredit(): void {
    const unread = this.sizes.length - this.read.length;
    expect(unread).to.be.at.most(this.#window.items);
    const bytes = this.sizes.slice(this.read.length, -1).reduce((sum, size) => sum + size, 0);
    expect(bytes).to.be.below(Math.max(1, this.#window.bytes));
  }
}

function run(pair: Pair, steps: readonly Step[]): void {
  for (const each of steps) {
    switch (each.kind) {
      case 'write':
        pair.write(each.sizeBytes);
        break;
      case 'read':
        pair.readOne();
        break;
      case 'probe':
        pair.probe();
        break;
      default:
        travel(pair, each.kind, each.way, each.place);
    }
  }
}

function travel(pair: Pair, what: 'deliver' | 'lose' | 'double', way: 'there' | 'back', place: number): void {
  const isRemoved = what !== 'double';
  if (way === 'there' && pair.there.length > 0) {
    const index = place % pair.there.length;
    const [sent] = isRemoved ? pair.there.splice(index, 1) : pair.there.slice(index);
    if (sent !== undefined && what !== 'lose') pair.deliverThere(sent);
  } else if (way === 'back' && pair.back.length > 0) {
    const index = place % pair.back.length;
    const [grant] = isRemoved ? pair.back.splice(index, 1) : pair.back.slice(index);
    if (grant !== undefined && what !== 'lose') pair.deliverBack(grant);
  }
}

/** The network is well again: what is on its way arrives, the writer asks until it knows that all has arrived. */
function settle(pair: Pair): void {
  for (let round = 0; round < 1_000 && !(pair.outgoing.isEnded && pair.outgoing.isAcknowledged); round++) {
    for (let sent = pair.there.shift(); sent !== undefined; sent = pair.there.shift()) pair.deliverThere(sent);
    while (pair.queue.length > 0) pair.readOne();
    for (let grant = pair.back.shift(); grant !== undefined; grant = pair.back.shift()) pair.deliverBack(grant);
    if (!pair.outgoing.isAcknowledged) pair.probe();
  }
}

const windows = fc.record({ items: fc.integer({ min: 1, max: 9 }), bytes: fc.integer({ min: 1, max: 120 }) });

describe('the streams of a writer and a reader', () => {
  it('deliver every element once and in order, whatever is lost, doubled, delayed or overtaken', () => {
    fc.assert(
      fc.property(windows, fc.array(step, { maxLength: 200 }), (window, steps) => {
        const pair = new Pair(window);
        run(pair, steps);
        pair.end();
        settle(pair);
        expect(pair.read).to.deep.equal(pair.sizes.map((_, index) => index));
        expect(pair.outgoing.isAcknowledged, 'the writer knows').to.equal(true);
        expect(pair.incoming.isEnded, 'the reader knows').to.equal(true);
        expect([...pair.outgoing.unacknowledged()]).to.deep.equal([]);
      }),
      { numRuns: 500 },
    );
  });

  it('heal lost grants: a writer that waits for credit gets it when it asks', () => {
    fc.assert(
      fc.property(windows, fc.array(step, { maxLength: 120 }), (window, steps) => {
        const pair = new Pair(window);
        run(pair, steps);
        // Every grant on its way is lost; all the rest arrives and is read.
        for (let round = 0; round < 3; round++) {
          pair.back.length = 0;
          pair.probe();
          for (let sent = pair.there.shift(); sent !== undefined; sent = pair.there.shift()) pair.deliverThere(sent);
          for (let grant = pair.back.shift(); grant !== undefined; grant = pair.back.shift()) pair.deliverBack(grant);
          while (pair.queue.length > 0) pair.readOne();
        }
        pair.back.length = 0;
        pair.probe();
        for (let sent = pair.there.shift(); sent !== undefined; sent = pair.there.shift()) pair.deliverThere(sent);
        for (let grant = pair.back.shift(); grant !== undefined; grant = pair.back.shift()) pair.deliverBack(grant);
        expect(pair.outgoing.hasCredit).to.equal(true);
      }),
      { numRuns: 500 },
    );
  });

  it('report a gap once until something arrives again', () => {
    const stream = new IncomingStream({ items: 10, bytes: 10 });
    expect(stream.arrive(0)).to.equal('next');
    expect([stream.arrive(2), stream.noteGap()]).to.deep.equal(['gap', true]);
    expect([stream.arrive(3), stream.noteGap()]).to.deep.equal(['gap', false]);
    expect(stream.arrive(0)).to.equal('repeat');
    expect(stream.arrive(1)).to.equal('next');
    expect([stream.arrive(4), stream.noteGap()]).to.deep.equal(['gap', true]);
  });

  it('take an older grant, overtaken by a newer one, for what it is', () => {
    const stream = new OutgoingStream<number>(false);
    expect([stream.hasCredit, stream.isOpen]).to.deep.equal([false, false]);
    stream.grant({ items: 5, bytes: 100, received: 0 });
    stream.grant({ items: 2, bytes: 10, received: 0 });
    for (let value = 0; value < 5; value++) stream.take(value);
    expect(stream.hasCredit).to.equal(false);
    stream.grant({ items: 5, bytes: 100, received: 9 });
    expect(stream.received, 'no more than was sent').to.equal(5);
  });

  it('leave no trace of an element that could not be sent after all', () => {
    const stream = new OutgoingStream<string>(true);
    stream.grant({ items: 5, bytes: 100, received: 0 });
    stream.take('sent');
    stream.take('not sent');
    stream.untake();
    expect(stream.take('next')).to.equal(1);
    expect([...stream.unacknowledged()].map(([, value]) => value)).to.deep.equal(['sent', 'next']);
  });
});
