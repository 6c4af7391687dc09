import { expect } from 'chai';
import fc from 'fast-check';
import { limits } from '#src/limits.js';
import { randomStream, VirtualScheduler } from '#src/scheduler/index.js';
import { type Header, headerBytes, MessageKind, readHeader } from '#src/transport/zmq/message.js';
import { NumberedStream } from '#src/transport/zmq/numbered-stream.js';
import { until } from '../../support/until.js';

const NO_BYTES = new Uint8Array(0);
const LATENCY_MS = 5;

interface Faults {
  readonly seed: string;
  readonly loss: number;
  readonly reorder: number;
  readonly doubled: number;
}

/** Two streams that are the ends of one connection, over messages that may be lost, doubled, or late. */
class Connection {
  readonly scheduler = new VirtualScheduler({ seed: 7 });
  readonly counters = { dropped: 0, sentAgain: 0, receivedAgain: 0 };
  readonly ends: readonly [NumberedStream, NumberedStream];
  readonly read: [Uint8Array[], Uint8Array[]] = [[], []];
  readonly errors: Error[] = [];
  isCut = false;
  readonly #chance: () => number;
  readonly #faults: Faults;

  constructor(faults: Faults) {
    this.#faults = faults;
    this.#chance = randomStream(faults.seed);
    this.ends = [this.#end(1), this.#end(0)];
  }

  #end(to: 0 | 1): NumberedStream {
    const from = to === 0 ? 1 : 0;
    return new NumberedStream({
      scheduler: this.scheduler,
      medium: 'test',
      totals: this.counters,
      send: (header, payload) => this.#carry(to, header, payload),
    })
      .on('data', (bytes: Uint8Array) => this.read[from].push(bytes))
      .on('error', (error) => this.errors.push(error));
  }

  #carry(to: 0 | 1, header: Uint8Array, payload: Uint8Array = NO_BYTES): void {
    const { loss, doubled, reorder } = this.#faults;
    const copies = this.isCut || this.#chance() < loss ? 0 : this.#chance() < doubled ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const delayMs = this.#chance() < reorder ? LATENCY_MS * 3 : LATENCY_MS;
      this.scheduler.setTimer(delayMs, () => this.#arrive(to, readHeader(header), payload));
    }
  }

  /** Nobody knows a connection that has ended, and says so. */
  #arrive(to: 0 | 1, header: Header, payload: Uint8Array): void {
    if (!this.ends[to].destroyed) return this.ends[to].arrived(header, payload);
    const reset = { kind: MessageKind.reset, sequence: 0, received: 0 };
    if (header.kind !== MessageKind.reset) this.#carry(to === 0 ? 1 : 0, headerBytes(reset));
  }

  bytesAt(end: 0 | 1): Buffer {
    return Buffer.concat(this.read[end]);
  }
}

const calm: Faults = { seed: 'calm', loss: 0, reorder: 0, doubled: 0 };

/** A stream without a peer: what it sends is looked at, and what arrives is written by the test. */
function alone(): { stream: NumberedStream; errors: Error[]; sent: number[] } {
  const sent: number[] = [];
  const errors: Error[] = [];
  const stream = new NumberedStream({
    scheduler: new VirtualScheduler({ seed: 1 }),
    medium: 'test',
    totals: { dropped: 0, sentAgain: 0, receivedAgain: 0 },
    send: (header) => sent.push(header[0] ?? -1),
  }).on('error', (error) => errors.push(error));
  return { stream, errors, sent };
}

describe('a stream of numbered messages', () => {
  it('brings all bytes in order, both ways, whatever is lost, doubled or late', async () => {
    const writes = fc.array(fc.nat({ max: 3 * limits.zmqMessageBytes }), { maxLength: 12 });
    const chance = fc.double({ min: 0, max: 0.3, noNaN: true });
    const faults = fc.record({ seed: fc.string(), loss: chance, reorder: chance, doubled: chance });
    await fc.assert(
      fc.asyncProperty(faults, writes, writes, async (given, there, back) => {
        const connection = new Connection(given);
        const written = [there, back].map((sizes) => sizes.map((size, index) => Buffer.alloc(size, index + 1)));
        for (const end of [0, 1] as const) {
          for (const bytes of written[end] ?? []) connection.ends[end].write(bytes);
          connection.ends[end].end();
        }
        await until('both ends', () => connection.ends.every(({ closed }) => closed));
        expect(connection.errors).to.deep.equal([]);
        expect(connection.bytesAt(1).equals(Buffer.concat(written[0] ?? []))).to.equal(true);
        expect(connection.bytesAt(0).equals(Buffer.concat(written[1] ?? []))).to.equal(true);
        await until('no timers', () => connection.scheduler.pendingTimers === 0);
        connection.scheduler.close();
      }),
      { numRuns: 40 },
    );
  });

  it('repeats nothing where nothing is lost', async () => {
    const connection = new Connection(calm);
    connection.ends[0].end(Buffer.alloc(20 * limits.zmqMessageBytes));
    await until('both ends', () => connection.ends.every(({ closed }) => closed));
    expect(connection.counters).to.deep.equal({ dropped: 0, sentAgain: 0, receivedAgain: 0 });
  });

  it('goes on after a time without a connection', async () => {
    const connection = new Connection(calm);
    connection.isCut = true;
    connection.ends[0].write('before');
    await new Promise<void>((resolve) => connection.scheduler.setTimer(60_000, resolve));
    connection.isCut = false;
    await until('the bytes', () => connection.bytesAt(1).toString() === 'before');
    expect(connection.counters.sentAgain).to.equal(1);
    for (const end of connection.ends) end.destroy();
  });

  it('ends when ZeroMQ does not connect again in time', async () => {
    const connection = new Connection(calm);
    connection.ends[0].absent();
    await until('the end', () => connection.ends[0].closed);
    expect(connection.scheduler.now()).to.equal(limits.zmqReconnectMs);
    expect(connection.errors[0]?.message).to.include('has not connected again');
    await until('the other end', () => connection.ends[1].closed);
  });

  it('sends no more than the window to a peer that does not read', async () => {
    const connection = new Connection(calm);
    connection.ends[1].pause();
    let written = 0;
    connection.ends[0].write(Buffer.alloc(8 * limits.zmqWindowBytes), () => (written += 1));
    await new Promise<void>((resolve) => connection.scheduler.setTimer(10_000, resolve));
    expect(written).to.equal(0);
    expect(connection.ends[1].readableLength).to.be.at.most(limits.zmqWindowBytes);
    connection.ends[1].resume();
    await until('all bytes', () => connection.bytesAt(1).length === 8 * limits.zmqWindowBytes);
    for (const end of connection.ends) end.destroy();
  });

  for (const [what, header, size] of [
    ['more than the window', { kind: MessageKind.data, sequence: 0, received: 0 }, limits.zmqWindowBytes],
    ['a message without bytes', { kind: MessageKind.data, sequence: 0, received: 0 }, 0],
    ['an end with bytes', { kind: MessageKind.end, sequence: 0, received: 0 }, 1],
    ['a report of what was not sent', { kind: MessageKind.report, sequence: 0, received: 1 }, 0],
  ] as const) {
    it(`ends when the peer sends ${what}`, async () => {
      const { stream, errors, sent } = alone();
      stream.arrived(header, new Uint8Array(size));
      stream.arrived({ ...header, sequence: 1 }, new Uint8Array(size));
      await until('the end', () => stream.closed);
      expect(errors[0]?.message).to.match(/^The peer /);
      expect(sent.at(-1)).to.equal(MessageKind.reset);
    });
  }

  it('repeats the same messages once, however often the peer asks', () => {
    const { stream, sent } = alone();
    stream.write('bytes');
    for (let asked = 0; asked < 100; asked += 1) {
      stream.arrived({ kind: MessageKind.repeat, sequence: 0, received: 0 }, NO_BYTES);
    }
    expect(sent.filter((kind) => kind === MessageKind.data)).to.have.length(2);
    stream.destroy();
  });

  it('reads headers, and nothing else', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(MessageKind)),
        fc.nat({ max: 0xffffffff }),
        fc.nat({ max: 0xffffffff }),
        (kind, sequence, received) => {
          expect(readHeader(headerBytes({ kind, sequence, received }))).to.deep.equal({ kind, sequence, received });
        },
      ),
    );
    for (const bytes of [[], [0], [6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]) {
      expect(() => readHeader(Uint8Array.from(bytes))).to.throw(/no header of a link/);
    }
  });
});
