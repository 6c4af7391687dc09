import { expect } from 'chai';
import { AskTimeoutError, BackpressureError, ResourceError, UnreachableError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { millraceRejection } from '../../support/rejection.js';
import { upTo } from '../../support/numbers.js';
import { until } from '../../support/until.js';
import { Errands, Listing } from './errands.js';
import { full } from './field-memory.js';
import { LARGE, setUp } from './large-fields-world.js';
import { endWorlds, errands, listing } from './partitions.js';

describe('large fields that wait for memory', () => {
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
    expect(letters[0]?.cause).to.be.instanceOf(ResourceError).with.property('message', 'no memory');
    const asked = millraceRejection(ref.run({ load: full(LARGE, 1) }));
    memory.empty(new ResourceError('no memory'));
    expect(await asked).to.be.instanceOf(ResourceError);
    await until('the other tell', () => handled.length === 1);
    expect(handled[0]?.value).to.equal(2);
    expect(memory.held).to.equal(0);
  });

  it('that need more than other receivers leave of the pool are sent when those have freed it, or end with an error in time', async () => {
    const { world, memory, near, far, ref, handled, letters } = await setUp();
    const slow = world.reach(near, Errands, far.system.spawn(errands()));
    await Promise.all([ref.run({}), slow.run({})]);
    memory.limitBytes = 10 * LARGE;
    memory.isSlow = true;
    slow.push({ load: full(LARGE, 1) });
    await until('the other receiver to hold its field', () => memory.reading === 1);
    const asked = millraceRejection(ref.run({ load: full(6 * LARGE, 2) }, { timeoutMs: 60_000 }));
    ref.push({ value: 3, load: full(6 * LARGE, 3) });
    ref.push({ value: 4 });
    const fromMs = world.scheduler.now();
    expect(await asked).to.be.instanceOf(ResourceError);
    expect((await asked).message).to.include('other receivers');
    await until('the tell to be a dead letter', () => letters.length === 1);
    expect(letters[0]?.reason).to.equal('overflow');
    expect(world.scheduler.now() - fromMs).to.be.at.most(2 * limits.allocateTimeoutMs + 10);
    await until('what follows', () => handled.length === 1);
    expect(handled[0]?.value).to.equal(4);
    ref.push({ value: 5, load: full(6 * LARGE, 5) });
    await world.pass(limits.allocateTimeoutMs / 2);
    memory.isSlow = false;
    await until('it to be handled', () => handled.length === 2);
    expect(letters).to.have.length(1);
    await until('nothing to be held', () => memory.held === 0);
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

  it('of an element that fails when its memory has come are the error of its stream, after the elements before it', async () => {
    const { world, memory, near, far, ref } = await setUp();
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
    const read: number[] = [];
    const ended = (async () => {
      for await (const { value } of world.reach(near, Listing, lister).list({})) read.push(value);
    })();
    const failed = millraceRejection(ended);
    await world.pass(10);
    memory.isPeerGone = true;
    memory.empty();
    expect(await failed).to.be.instanceOf(UnreachableError);
    expect(read).to.deep.equal([0]);
    expect(near.router.protocolErrors).to.equal(0);
    expect(memory.held).to.equal(0);
  });

  it('are not stored for a stream that is read no further, or an ask that nobody waits for any more', async () => {
    const { world, memory, near, far, ref } = await setUp();
    const lister = far.system.spawn(
      listing({
        async *list() {
          yield { value: 0 };
          yield { value: 1, load: full(LARGE, 1) };
        },
      }),
    );
    await ref.rush({});
    memory.isFull = true;
    for await (const { value } of world.reach(near, Listing, lister).list({})) if (value === 0) break;
    const first = ref.run({ value: 1, load: full(LARGE, 1) });
    const second = millraceRejection(ref.run({ value: 2, load: full(LARGE, 2) }, { timeoutMs: 50 }));
    const last = ref.run({ value: 3, load: full(LARGE, 3) });
    expect(await second).to.be.instanceOf(AskTimeoutError);
    memory.empty();
    await Promise.all([first, last]);
    // The fields of these two and of their replies. Those of the element had waited for memory already.
    expect(memory.described).to.equal(4);
    expect(memory.stores).to.equal(5);
    await until('nothing to be held', () => memory.held === 0);
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
});
