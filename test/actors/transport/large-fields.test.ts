import { expect } from 'chai';
import type { DeadLetter } from '#src/actors/kernel/index.js';
import type { MessageFields, ReceivedFields, StoredFields } from '#src/actors/transport/index.js';
import { Deferred } from '#src/deferred.js';
import { BackpressureError, ResourceError, UnreachableError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { v1 } from '#src/protocol/index.js';
import { millraceRejection } from '../../support/rejection.js';
import { upTo } from '../../support/numbers.js';
import { until } from '../../support/until.js';
import { type Errand, Errands, Listing } from './errands.js';
import { endWorlds, errands, listing, PartitionWorld } from './partitions.js';

const LARGE = limits.inlineFieldBytes + 1;

/** Memory for large fields that two partitions share, and that is there when the test says so. */
class Memory implements MessageFields {
  isFull = false;
  /** What cannot be read any more. */
  isLost = false;
  held = 0;
  readonly #objects = new Map<number, readonly Uint8Array[]>();
  readonly #freed = new Map<number, () => void>();
  #room = new Deferred<void>();
  #stored = 0;

  storeNow(fields: readonly Uint8Array[]): StoredFields | undefined {
    return this.isFull ? undefined : this.#open(fields);
  }

  async store(fields: readonly Uint8Array[]): Promise<StoredFields> {
    if (this.isFull) await this.#room.promise;
    return this.#open(fields);
  }

  /** There is memory, or there never will be any for what waits now. */
  settle(): void;
  settle(descriptions: readonly v1.RemoteDescriptor[]): void;
  settle(descriptions: readonly v1.RemoteDescriptor[] = []): void {
    for (const { object } of descriptions) this.#free(object?.number ?? 0);
  }

  empty(error?: Error): void {
    const room = this.#room;
    this.#room = new Deferred();
    this.isFull = error !== undefined;
    if (error === undefined) room.resolve();
    else room.reject(error);
  }

  unsent(description: v1.RemoteDescriptor): void {
    this.settle([description]);
  }

  receive(_from: unknown, { object, parts }: v1.RemoteDescriptor): ReceivedFields {
    const number = object?.number ?? 0;
    const fields = this.#objects.get(number);
    if (fields === undefined) throw new UnreachableError(`Object ${number} is gone.`);
    return {
      count: parts.length,
      sizeBytes: fields.reduce((sum, { length }) => sum + length, 0),
      open: async () => {
        if (this.isLost) throw new UnreachableError(`Object ${number} is lost.`);
        return fields;
      },
      [Symbol.dispose]: () => this.#free(number),
    };
  }

  #open(fields: readonly Uint8Array[]): StoredFields {
    const bytes = fields.map((field) => field.slice());
    let isOpen = true;
    this.held += 1;
    return {
      bytes,
      describe: (_to, freed) => {
        this.#stored += 1;
        this.held += 1;
        this.#objects.set(this.#stored, bytes);
        this.#freed.set(this.#stored, freed);
        const parts: v1.StoredPartInit[] = bytes.map(({ length }) => ({ place: { case: 'fetched', value: length } }));
        return v1.RemoteDescriptor.create({ object: { number: this.#stored }, parts });
      },
      [Symbol.dispose]: () => {
        if (isOpen) this.held -= 1;
        isOpen = false;
      },
    };
  }

  #free(number: number): void {
    const freed = this.#freed.get(number);
    if (freed === undefined) return;
    this.#freed.delete(number);
    this.#objects.delete(number);
    this.held -= 1;
    freed();
  }
}

function full(sizeBytes: number, value: number): Uint8Array {
  return new Uint8Array(sizeBytes).fill(value);
}

async function setUp(definition: Parameters<typeof errands>[0] = {}) {
  const memory = new Memory();
  const world = new PartitionWorld({ latencyMs: 1 });
  const near = await world.start('a/1', { fields: memory });
  const far = await world.start('b/1', { fields: memory });
  const handled: Errand[] = [];
  const actor = far.system.spawn(errands({ push: (_state, errand) => void handled.push(errand), ...definition }));
  const ref = world.reach(near, Errands, actor);
  const letters: DeadLetter[] = [];
  near.system.deadLetters.subscribe((letter) => letters.push(letter));
  return { world, memory, near, far, ref, actor, handled, letters };
}

describe('large fields over a link', () => {
  afterEach(endWorlds);

  it('hold back what follows them to the same actor while there is no memory, and nothing else', async () => {
    const { world, memory, near, far, ref, handled } = await setUp();
    const other = world.reach(near, Errands, far.system.spawn(errands()));
    await ref.run({});
    memory.isFull = true;
    expect(ref.push({ value: 1, load: full(LARGE, 1) })).to.equal(false);
    ref.push({ value: 2 });
    const asked = ref.run({ value: 3, load: full(10, 3) }, { timeoutMs: 60_000 });
    expect((await other.run({ value: 4 })).value).to.equal(4);
    let isReady = false;
    const ready = ref.ready().then(() => (isReady = true));
    await world.pass(100);
    expect(handled).to.deep.equal([]);
    expect(isReady).to.equal(false);
    memory.empty();
    expect((await asked).value).to.equal(3);
    await ready;
    expect(handled.map(({ value, load }) => [value, load.length])).to.deep.equal([
      [1, LARGE],
      [2, 0],
    ]);
    await until('nothing to be held', () => memory.held === 0);
  });

  it('that get no memory in time fail their ask, and make their tell a dead letter; what follows is sent', async () => {
    const { memory, ref, handled, letters } = await setUp();
    await ref.run({});
    memory.isFull = true;
    ref.push({ value: 1, load: full(LARGE, 1) });
    ref.push({ value: 2 });
    memory.empty(new ResourceError('no memory'));
    await until('the tell to be a dead letter', () => letters.length === 1);
    expect(letters[0]?.reason).to.equal('overflow');
    const asked = millraceRejection(ref.run({ load: full(LARGE, 1) }));
    memory.empty(new ResourceError('no memory'));
    expect(await asked).to.be.instanceOf(ResourceError);
    await until('the other tell', () => handled.length === 1);
    expect(handled[0]?.value).to.equal(2);
    expect(memory.held).to.equal(0);
  });

  it('of a reply without memory are the error of its ask, and those of an element that of its stream', async () => {
    const { world, memory, near, far, ref } = await setUp({ run: () => ({ load: full(LARGE, 1) }) });
    const lister = far.system.spawn(
      listing({
        async *list() {
          yield { value: 0 };
          yield { value: 1, load: full(LARGE, 1) };
          yield { value: 2 };
        },
      }),
    );
    await ref.rush({});
    memory.isFull = true;
    const asked = millraceRejection(ref.run({}));
    await world.pass(10);
    memory.empty(new ResourceError('no memory'));
    expect(await asked).to.be.instanceOf(ResourceError);
    const read: number[] = [];
    const ended = (async () => {
      for await (const { value } of world.reach(near, Listing, lister).list({})) read.push(value);
    })();
    await world.pass(10);
    memory.empty(new ResourceError('no memory'));
    expect(await millraceRejection(ended)).to.be.instanceOf(ResourceError);
    expect(read).to.deep.equal([0]);
    expect(memory.held).to.equal(0);
  });

  it('that wait for memory are bounded, and dead letters of their sender when the link ends', async () => {
    const { memory, near, ref, far, letters } = await setUp();
    await ref.run({});
    memory.isFull = true;
    const size = limits.linkLargeBytes / 4;
    for (const value of upTo(3)) ref.push({ value, load: full(size, value) });
    expect(() => ref.push({ load: full(size, 1) })).to.throw(BackpressureError);
    near.router.disconnect(far.address);
    await until('dead letters', () => letters.length === 3);
    const [letter] = letters;
    expect(letter?.reason).to.equal('unreachable');
    expect(letter?.message).to.have.property('load').with.lengthOf(size);
    expect(memory.held).to.equal(0);
  });

  it('that are lost with the memory of their sender fail the ask, and leave the actor as it was', async () => {
    const { memory, ref, far } = await setUp();
    await ref.run({});
    memory.isLost = true;
    expect(await millraceRejection(ref.run({ load: full(LARGE, 1) }))).to.be.instanceOf(UnreachableError);
    memory.isLost = false;
    expect((await ref.run({ load: full(LARGE, 7) })).load).to.deep.equal(full(LARGE, 7));
    expect(far.system.statistics.failures ?? 0).to.equal(0);
    expect(memory.held).to.equal(0);
  });

  it('are given back when the link ends before they were handled, and when their stream is read no further', async () => {
    const blocked = new Deferred<void>();
    const { world, memory, near, far, ref } = await setUp({ push: () => blocked.promise });
    for (const value of upTo(3)) ref.push({ value, load: full(LARGE, value) });
    const lister = far.system.spawn(
      listing({
        async *list() {
          for (const value of upTo(10)) yield { value, load: full(LARGE, value) };
        },
      }),
    );
    for await (const { value } of world.reach(near, Listing, lister).list({})) if (value === 2) break;
    near.router.disconnect(far.address);
    blocked.resolve();
    await until('nothing to be held', () => memory.held === 0);
  });

  it('travel in their messages on a link that loses frames, and to a peer that takes none beside them', async () => {
    const memory = new Memory();
    const world = new PartitionWorld({ latencyMs: 1 });
    const near = await world.start('a/1', { fields: memory });
    const far = await world.start('b/1');
    const ref = world.reach(near, Errands, far.system.spawn(errands()));
    const replies = upTo(4).map((value) => ref.run({ value, load: full(value % 2 === 0 ? LARGE : 1, value) }));
    for (const [value, reply] of (await Promise.all(replies)).entries())
      expect(reply.load).to.deep.equal(full(value % 2 === 0 ? LARGE : 1, value));
    expect(memory.held).to.equal(0);
  });
});
