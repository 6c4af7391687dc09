import { AsyncLocalStorage } from 'node:async_hooks';
import { expect } from 'chai';
import { ActorSystem, type ActorRef, type ActorSystemOptions } from '#src/actors/kernel/index.js';
import { checkPolicy, type Policy, Publisher, type PublisherOptions, Subscriber } from '#src/actors/pubsub/index.js';
import { BackpressureError, ConfigError, PipelineError, ProtocolError, StoppedError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { memoryLogger } from '#src/logging/index.js';
import { type v1 } from '#src/protocol/index.js';
import { VirtualScheduler } from '#src/scheduler/index.js';
import { until } from '../runtime/harness.js';
import { Row } from '../runtime/row.js';
import { rejection } from '../../support/rejection.js';

type Port = Publisher<Row, Partial<Row>>;

/** Writers and readers in one system, wired by hand. */
class Wiring {
  readonly scheduler = new VirtualScheduler({ seed: 7 });
  readonly system: ActorSystem;
  readonly failures: Error[] = [];
  #lastCUid = 0n;
  #nonce = 0;

  constructor(bounds: ActorSystemOptions['limits'] = {}) {
    const { scheduler } = this;
    const cUids = (): bigint => ++this.#lastCUid;
    this.system = new ActorSystem({ name: 'test', scheduler, logger: memoryLogger(), cUids, limits: bounds });
  }

  writer(policy: Policy = 'round-robin', more: Partial<PublisherOptions<Row, Partial<Row>>> = {}) {
    const port: Port = new Publisher<Row, Partial<Row>>({
      id: 1,
      port: 'rows',
      type: Row,
      policy,
      isLossy: () => false,
      recovers: false,
      failed: (error) => this.failures.push(error),
      ...more,
    });
    return { port, ref: this.system.spawn(port.behavior()) };
  }

  reader(id: number, items = 4) {
    const port = new Subscriber({ id, port: 'rows', type: Row, window: { items } });
    return { id, port, ref: this.system.spawn(port.behavior()) };
  }

  /** Tells a writer of readers, and each of them of it. */
  async wire(writer: ReturnType<Wiring['writer']>, readers: readonly ReturnType<Wiring['reader']>[]): Promise<void> {
    await this.tellReaders(writer, readers);
    await this.tell(writer.ref, readers);
  }

  async tellReaders(
    writer: ReturnType<Wiring['writer']>,
    readers: readonly ReturnType<Wiring['reader']>[],
  ): Promise<void> {
    for (const { ref } of readers) await this.tell(ref, [{ id: 1, ref: writer.ref }]);
  }

  async tell(
    to: ActorRef<typeof v1.Publisher> | ReturnType<Wiring['reader']>['ref'],
    members: readonly { readonly id: number; readonly ref: { toRef(): v1.MemberInit['ref'] & object } }[],
    isComplete = true,
  ): Promise<void> {
    const joined = members.map(({ id, ref }) => ({ id, ref: ref.toRef() }));
    await to.rewire({ base: 0, nonce: ++this.#nonce, isSnapshot: true, joined, isComplete });
  }

  /** Lets virtual time pass. */
  async pass(ms: number): Promise<void> {
    await new Promise<void>((resolve) => void this.scheduler.setTimer(ms, resolve));
  }

  async close(): Promise<void> {
    await this.system.shutdown();
    expect(this.system.statistics).to.include({ actors: 0, pendingAsks: 0 });
    expect(this.scheduler.pendingTimers).to.equal(0);
    this.scheduler.close();
  }
}

const made: Wiring[] = [];
function wiring(bounds?: ActorSystemOptions['limits']): Wiring {
  const fresh = new Wiring(bounds);
  made.push(fresh);
  return fresh;
}

async function readAll(port: Subscriber<Row>, ids: number[] = []): Promise<number[]> {
  for await (const { id } of port) ids.push(id);
  return ids;
}

describe('a port', () => {
  afterEach(async () => {
    for (const each of made.splice(0)) await each.close();
  });

  it('ends for its reader although its writer knew of that first, and had nothing to say', async () => {
    const world = wiring();
    const writer = world.writer();
    const reader = world.reader(2);
    await world.tell(writer.ref, [reader]);
    const ended = writer.port.end();
    const read = readAll(reader.port);
    await world.tellReaders(writer, [reader]);
    await ended;
    expect(await read).to.deep.equal([]);
  });

  it('rejects a write when nobody is left to read, also the first after the last reader went', async () => {
    const world = wiring();
    const writer = world.writer();
    const reader = world.reader(2);
    await world.wire(writer, [reader]);
    await writer.port.write({ id: 1 });
    await world.tell(writer.ref, []);
    expect(writer.port.hasNoSubscribers).to.equal(true);
    expect(await rejection(writer.port.write({ id: 2 }))).to.be.instanceOf(StoppedError);
    expect(await rejection(writer.port.write({ id: 3 }))).to.be.instanceOf(StoppedError);
  });

  it('rejects writes that wait when the last reader goes', async () => {
    const world = wiring();
    const writer = world.writer();
    const waiting = rejection(writer.port.write({ id: 1 }));
    await world.tell(writer.ref, []);
    expect(await waiting).to.be.instanceOf(StoppedError);
  });

  it('does not end before the writes that wait', async () => {
    const world = wiring();
    const writer = world.writer();
    const one = world.reader(2, 2);
    const other = world.reader(3, 2);
    await world.wire(writer, [one, other]);
    const writes = Promise.all([1, 2, 3, 4, 5, 6, 7].map((id) => writer.port.write({ id })));
    const ended = writer.port.end();
    expect(await rejection(writer.port.write({ id: 8 }))).to.be.instanceOf(StoppedError);
    // A reader that goes makes the writer look whether it may end.
    const fromOther = readAll(other.port);
    await world.tell(writer.ref, [one]);
    const fromOne = readAll(one.port);
    await Promise.all([writes, ended]);
    expect([...(await fromOne), ...(await fromOther)].toSorted((left, right) => left - right)).to.deep.equal([
      1, 2, 3, 4, 5, 6, 7,
    ]);
  });

  it('goes on past an element that cannot be made or keyed: that write is rejected, no other', async () => {
    const world = wiring();
    const key = ({ id }: Row): number => {
      if (id === 2) throw new RangeError('no key for 2');
      return id;
    };
    const writer = world.writer('hash', { key });
    const reader = world.reader(2);
    const first = writer.port.write({ id: 1 });
    const second = rejection(writer.port.write({ id: 2 }));
    const third = writer.port.write({ id: 3 });
    await world.wire(writer, [reader]);
    await Promise.all([first, third]);
    expect(await second).to.be.instanceOf(RangeError);
    expect(await rejection(writer.port.write({ id: 2 }))).to.be.instanceOf(RangeError);
    const read = readAll(reader.port);
    await writer.port.end();
    expect(await read).to.deep.equal([1, 3]);
    expect(world.failures).to.deep.equal([]);
  });

  for (const policy of ['round-robin', 'least-loaded', 'broadcast'] as const) {
    it(`loses nothing where mailboxes are full all the time, with the policy ${policy}`, async () => {
      const world = wiring({ mailboxMessages: 2 });
      const writer = world.writer(policy);
      const readers = [world.reader(2, 64), world.reader(3, 64)];
      await world.wire(writer, readers);
      const reading = readers.map(({ port }) => readAll(port));
      // All at once: the readers have no turn in between.
      await Promise.all(Array.from({ length: 500 }, (_, id) => writer.port.write({ id })));
      await writer.port.end();
      const all = (await Promise.all(reading)).flat();
      expect(all).to.have.length(policy === 'broadcast' ? 1_000 : 500);
      expect(new Set(all).size).to.equal(500);
      expect(world.failures).to.deep.equal([]);
    });
  }

  it('refuses more writes that wait than its limit', async () => {
    const world = wiring();
    const writer = world.writer();
    const waiting = Array.from({ length: limits.pendingWrites }, (_, id) => rejection(writer.port.write({ id })));
    expect(await rejection(writer.port.write({ id: 0 }))).to.be.instanceOf(BackpressureError);
    expect(writer.port.queued).to.equal(limits.pendingWrites);
    writer.port.close();
    for (const error of await Promise.all(waiting)) expect(error).to.be.instanceOf(StoppedError);
  });

  it('fails its stream when a reader is gone with what was sent to it', async () => {
    const world = wiring();
    const writer = world.writer();
    const reader = world.reader(2);
    await world.wire(writer, [reader]);
    await writer.port.write({ id: 1 });
    await world.system.stop(reader.ref);
    await until(() => world.failures.length > 0);
    expect(world.failures[0]).to.be.instanceOf(PipelineError);
    expect(String(world.failures[0])).to.include('reader 2 ended').and.include('port "rows"');
    expect(await rejection(writer.port.write({ id: 2 }))).to.include({ message: world.failures[0]?.message });
  });

  for (const policy of ['round-robin', 'least-loaded', 'hash', 'broadcast'] as const) {
    it(`fails its stream when a reader is gone that has all so far, but not the end: ${policy}`, async () => {
      const world = wiring();
      const writer = world.writer(policy, { key: ({ id }) => id });
      const readers = [world.reader(2), world.reader(3)] as const;
      await world.wire(writer, readers);
      const { failures } = world;
      await world.system.stop(readers[0].ref);
      await until(() => failures.length > 0);
      expect(String(failures[0])).to.include('reader 2 ended, or cannot be reached, before it had the end');
      const { message } = failures[0] ?? {};
      expect(await rejection(writer.port.write({ id: 1 }))).to.include({ message });
      expect(await rejection(writer.port.end())).to.include({ message });
    });
  }

  it('does without a reader that has left, or has the end, and then is gone', async () => {
    const world = wiring();
    const writer = world.writer('broadcast');
    const [left, other] = [world.reader(2), world.reader(3)];
    await world.wire(writer, [left, other]);
    await writer.port.write({ id: 1 });
    await world.tell(writer.ref, [other]);
    await world.system.stop(left.ref);
    await writer.port.write({ id: 2 });
    const ended = writer.port.end();
    expect(await readAll(other.port)).to.deep.equal([1, 2]);
    await ended;
    await world.system.stop(other.ref);
    expect(world.failures).to.deep.equal([]);
  });

  it('ends a reader that leaves only when those who are to go on in its place have joined', async () => {
    const world = wiring();
    const writer = world.writer();
    const [leaving, other] = [world.reader(2), world.reader(3)];
    await world.wire(writer, [leaving]);
    await writer.port.write({ id: 1 });
    const read: number[] = [];
    const reading = readAll(leaving.port, read);
    await world.tell(writer.ref, [], false);
    await until(() => read.length === 1);
    await world.pass(1_000);
    expect(leaving.port.references, 'writers that have not ended').to.equal(1);
    await world.wire(writer, [other]);
    expect(await reading).to.deep.equal([1]);
  });

  it('fails its stream when an element was lost and is not to be sent again', async () => {
    const world = wiring();
    const writer = world.writer('round-robin', { isLossy: () => true });
    const reader = world.reader(2);
    await world.wire(writer, [reader]);
    await writer.port.write({ id: 1 });
    writer.ref.grant({ reader: 2, items: 4, bytes: 100, received: 0, hasGap: true });
    await until(() => world.failures.length > 0);
    expect(String(world.failures[0])).to.include('element 0 was lost on the way to reader 2');
  });

  it('never ends well for a reader whose writer went without an end', async () => {
    const world = wiring();
    const writer = world.writer();
    const reader = world.reader(2);
    await world.wire(writer, [reader]);
    const next = reader.port[Symbol.asyncIterator]().next();
    await world.tell(reader.ref, []);
    reader.port.close();
    expect(await rejection(next)).to.be.instanceOf(StoppedError);
  });

  it('ends well for a reader whose writer had ended before it went, where its end has not come', async () => {
    const world = wiring();
    const writer = world.writer();
    const reader = world.reader(2);
    await world.tellReaders(writer, [reader]);
    const gone = { base: 1, nonce: 50, isSnapshot: false, left: [1], ended: [1], isComplete: true };
    await reader.ref.rewire(gone);
    expect(await readAll(reader.port)).to.deep.equal([]);
  });

  it('tells a reader that waits, and every later one, that it was closed', async () => {
    const world = wiring();
    const reader = world.reader(2);
    const iterator = reader.port[Symbol.asyncIterator]();
    const waiting = rejection(iterator.next());
    reader.port.close(new StoppedError('enough'));
    expect(String(await waiting)).to.include('enough');
    expect(String(await rejection(iterator.next()))).to.include('enough');
    expect(await iterator.return?.()).to.deep.equal({ done: true, value: undefined });
  });

  it('takes a window of whole numbers from 1, and a policy that it knows', () => {
    for (const window of [{ items: 0 }, { items: 1.5 }, { bytes: Number.NaN }, { bytes: -1 }]) {
      expect(() => new Subscriber({ id: 1, port: 'rows', type: Row, window })).to.throw(ConfigError, 'whole number');
    }
    expect(() => checkPolicy('random')).to.throw(ConfigError, 'round-robin, least-loaded, broadcast, hash');
  });

  it('rejects a write that its type cannot make', async () => {
    const world = wiring();
    const type = {
      ...Row,
      create: (): Row => {
        throw new ProtocolError('no such row');
      },
    };
    const writer = world.writer('round-robin', { type });
    expect(await rejection(writer.port.write({ id: 1 }))).to.be.instanceOf(ProtocolError);
  });

  it('has for its reader the AsyncLocalStorage of the reader, whoever writes, and for its writer that of the writer', async () => {
    const storage = new AsyncLocalStorage<string>();
    const world = wiring();
    const writer = world.writer();
    const readers = [world.reader(2, 2), world.reader(3, 2)];
    await world.wire(writer, readers);
    const read: (string | undefined)[][] = [];
    const reading = readers.map(({ port }, index) =>
      storage.run(`reader ${index}`, async () => {
        const seen = (read[index] = new Array<string | undefined>());
        for await (const _row of port) seen.push(storage.getStore());
      }),
    );
    const written = [1, 2, 3, 4, 5, 6, 7, 8].map((id) =>
      storage.run(`writer ${id}`, async () => {
        await writer.port.write({ id });
        return storage.getStore();
      }),
    );
    expect(await Promise.all(written)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8].map((id) => `writer ${id}`));
    await writer.port.end();
    await Promise.all(reading);
    expect(read).to.deep.equal(readers.map((_, index) => Array.from({ length: 4 }, () => `reader ${index}`)));
    storage.disable();
  });
});
