import { expect } from 'chai';
import { AskAbortedError, BackpressureError, UnreachableError } from '#src/errors.js';
import { Lane } from '#src/protocol/index.js';
import { limits } from '#src/limits.js';
import { gate } from '../../support/deferred.js';
import { millraceRejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { Errands } from './errands.js';
import { endWorlds, errands, PartitionWorld } from './partitions.js';

/** An actor whose pushes wait until `open` is called. */
function gated(capacity: number) {
  const { passed, open } = gate();
  const seen: number[] = [];
  const behavior = errands({
    mailbox: { capacity },
    push: (_state, { value }) => {
      seen.push(value);
      return seen.length === 1 ? passed : undefined;
    },
  });
  return { behavior, seen, open };
}

describe('backpressure over a link', () => {
  afterEach(endWorlds);

  it('of a mailbox: false past its mark, ready when it is half empty', async () => {
    const world = new PartitionWorld({ latencyMs: 1 });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const { behavior, seen, open } = gated(8);
    const ref = world.reach(near, Errands, far.system.spawn(behavior));
    for (let value = 0; value < 8; value += 1) expect(ref.push({ value })).to.equal(true);
    await world.pass(10);
    expect(ref.push({ value: 8 }), 'past the mark').to.equal(false);
    let isReady = false;
    const ready = ref.ready().then(() => {
      isReady = true;
    });
    await world.pass(1_000);
    expect(isReady).to.equal(false);
    open();
    await ready;
    expect(ref.push({ value: 9 })).to.equal(true);
    await until('all to be taken', () => seen.length === 10);
    expect(far.system.deadLetters.count).to.equal(0);
  });

  it('of a mailbox at its bound: what was under way waits, an ask gets BackpressureError, and nothing is lost', async () => {
    const world = new PartitionWorld();
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const { behavior, seen, open } = gated(4);
    const ref = world.reach(near, Errands, far.system.spawn(behavior));
    for (let value = 0; value < 7; value += 1) ref.push({ value });
    expect(await millraceRejection(ref.run({}))).to.be.instanceOf(BackpressureError);
    expect(seen).to.deep.equal([0]);
    open();
    await ref.ready();
    expect(await ref.run({ value: 1 })).to.deep.include({ value: 1 });
    expect(seen).to.deep.equal([0, 1, 2, 3, 4, 5, 6]);
    expect([near, far].map(({ system }) => system.deadLetters.count)).to.deep.equal([0, 0]);
  });

  it('of a mailbox that stays full ends ready() at its deadline, and later calls are not held up by it', async () => {
    const world = new PartitionWorld({ latencyMs: 1 });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const { behavior, open } = gated(8);
    const ref = world.reach(near, Errands, far.system.spawn(behavior));
    for (let value = 0; value < 40 && ref.push({ value }); value += 1) await world.pass(5);
    for (const options of [undefined, { timeoutMs: 200 }]) {
      const from = world.scheduler.now();
      const error = await millraceRejection(ref.ready(options));
      expect(error).to.be.instanceOf(BackpressureError);
      expect(world.scheduler.now() - from).to.be.closeTo(options?.timeoutMs ?? limits.readyTimeoutMs, 1);
    }
    const controller = new AbortController();
    const aborted = millraceRejection(ref.ready({ signal: controller.signal }));
    controller.abort();
    expect(await aborted).to.be.instanceOf(AskAbortedError);
    const ready = ref.ready();
    open();
    await ready;
    expect(ref.push({})).to.equal(true);
  });

  for (const [what, network] of [
    ['', { latencyMs: 1 }],
    [', on a link that loses frames', { latencyMs: 1, loss: 0.2, seed: 3 }],
  ] as const) {
    it(`of a slow actor lasts as long as it handles messages${what}`, async () => {
      const world = new PartitionWorld(network);
      const [near, far] = [await world.start('a/1'), await world.start('b/1')];
      let isStuck = false;
      const push = (): Promise<void> =>
        new Promise((resolve) => void world.scheduler.setTimer(isStuck ? 1e9 : 25_000, resolve));
      const ref = world.reach(near, Errands, far.system.spawn(errands({ mailbox: { capacity: 8 }, push })));
      for (let value = 0; value < 28; value += 1) {
        ref.push({ value });
        await world.pass(1);
      }
      const from = world.scheduler.now();
      await ref.ready();
      expect(world.scheduler.now() - from).to.be.greaterThan(4 * limits.readyTimeoutMs);
      while (ref.push({})) await world.pass(100);
      isStuck = true;
      const since = world.scheduler.now();
      const error = await millraceRejection(ref.ready());
      expect(error)
        .to.be.instanceOf(BackpressureError)
        .and.has.property('message')
        .that.contains('has handled none for');
      expect(world.scheduler.now() - since).to.be.at.most(2 * limits.readyTimeoutMs);
    });
  }

  it('of the bytes in all mailboxes lasts as long as messages are handled', async () => {
    const world = new PartitionWorld({ latencyMs: 1, kernelLimits: { mailboxBytes: 1_000_000 } });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const push = (): Promise<void> => new Promise((resolve) => void world.scheduler.setTimer(25_000, resolve));
    const ref = world.reach(near, Errands, far.system.spawn(errands({ push })));
    const load = new Uint8Array(50_000);
    for (let sent = 0; sent < 17; sent += 1) {
      ref.push({ load });
      await world.pass(10);
    }
    const from = world.scheduler.now();
    await ref.ready();
    expect(world.scheduler.now() - from).to.be.greaterThan(2 * limits.readyTimeoutMs);
  });

  it('of a mailbox heals when Full or Ready is lost', async () => {
    for (let seed = 1; seed <= 15; seed += 1) {
      const world = new PartitionWorld({ seed, loss: 0.3, duplicate: 0.2, latencyMs: 1 });
      const [near, far] = [await world.start('a/1'), await world.start('b/1')];
      const { behavior, open } = gated(8);
      const ref = world.reach(near, Errands, far.system.spawn(behavior));
      for (let value = 0; value < 40 && ref.push({ value }); value += 1) await world.pass(5);
      await world.pass(1_000);
      const ready = ref.ready();
      await world.pass(500);
      open();
      const from = world.scheduler.now();
      await ready;
      expect(world.scheduler.now() - from, `seed ${seed}`).to.be.lessThan(5_000);
    }
  });

  it('of a link: false past the mark, BackpressureError at the bound, memory bounded, ready when it drains', async () => {
    const linkBacklogBytes = 64 * 1024;
    const world = new PartitionWorld({ linkLimits: { linkBacklogBytes } });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    let bytes = 0;
    const ref = world.reach(
      near,
      Errands,
      far.system.spawn(errands({ push: (_state, { load }) => void (bytes += load.length) })),
    );
    await ref.run({});
    world.network.partition(['a'], ['b']);
    const load = new Uint8Array(1_000);
    let accepted = 0;
    let isPastMark = false;
    const flood = (): void => {
      for (;;) {
        if (!ref.push({ load })) isPastMark = true;
        accepted += 1;
      }
    };
    for (let turns = 0; turns < 20; turns += 1) {
      expect(flood).to.throw(BackpressureError, 'ready()');
      await world.pass(1);
    }
    expect(isPastMark).to.equal(true);
    const bound = linkBacklogBytes + limits.linkWindowBytes + limits.frameBytes;
    expect(accepted * 1_000).to.be.within(limits.linkWindowBytes / 2, bound);
    let isReady = false;
    const ready = ref.ready().then(() => {
      isReady = true;
    });
    await world.pass(100);
    expect(isReady).to.equal(false);
    // The control lane has room of its own.
    ref.urge({});
    world.network.heal();
    await ready;
    expect(ref.push({ load })).to.equal(true);
    await until('all that was accepted to arrive', () => bytes === (accepted + 1) * 1_000);
  });

  it('of a link whose credit came without a word: room is seen with the next flush', async () => {
    const world = new PartitionWorld({ linkLimits: { linkBacklogBytes: 10_000 } });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const ref = world.reach(near, Errands, far.system.spawn(errands({ push: () => {} })));
    await ref.run({});
    const [channel] = near.router.channels();
    const link = channel?.link;
    if (link === undefined) throw new Error('there is a link');
    const acquire = link.acquire.bind(link);
    let hasCredit = false;
    link.acquire = (lane, size) => (lane === Lane.control || hasCredit ? acquire(lane, size) : undefined);
    expect(() => {
      for (;;) ref.push({ load: new Uint8Array(1_000) });
    }).to.throw(BackpressureError);
    const ready = ref.ready();
    hasCredit = true;
    ref.urge({});
    await ready;
    expect(ref.push({})).to.equal(true);
  });

  it('of a link that is not open yet: what was accepted arrives when it is', async () => {
    const world = new PartitionWorld({ latencyMs: 10, linkLimits: { linkBacklogBytes: 10_000 } });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const seen: number[] = [];
    const ref = world.reach(
      near,
      Errands,
      far.system.spawn(errands({ push: (_state, { value }) => void seen.push(value) })),
    );
    let accepted = 0;
    expect(() => {
      for (; ; accepted += 1) ref.push({ value: accepted, load: new Uint8Array(100) });
    }).to.throw(BackpressureError);
    await ref.ready();
    await until('all to arrive', () => seen.length === accepted);
    expect(seen).to.deep.equal([...seen.keys()]);
  });

  it('rejects ready when the link dies', async () => {
    const world = new PartitionWorld({ linkLimits: { linkBacklogBytes: 10_000 } });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const { behavior, open } = gated(4);
    const ref = world.reach(near, Errands, far.system.spawn(behavior));
    for (let value = 0; value < 5; value += 1) ref.push({ value });
    await until('Full to be heard', () => !ref.push({}));
    const waiting = millraceRejection(ref.ready());
    world.network.crash('b');
    open();
    expect(await waiting).to.be.instanceOf(UnreachableError);
  });

  it('never holds the control lane behind a full data lane', async () => {
    const world = new PartitionWorld({ latencyMs: 50 });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    let pushes = 0;
    const ref = world.reach(near, Errands, far.system.spawn(errands({ push: () => void pushes++ })));
    await ref.rush({});
    const load = new Uint8Array(10_000);
    expect(() => {
      for (;;) ref.push({ load });
    }).to.throw(BackpressureError);
    const from = world.scheduler.now();
    await ref.rush({});
    expect(world.scheduler.now() - from).to.equal(100);
    expect(pushes * load.length).to.be.lessThan(limits.linkWindowBytes + 1);
  });

  it('closes a link whose peer takes nothing of the control lane', async () => {
    const world = new PartitionWorld();
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const ref = world.reach(near, Errands, far.system.spawn(errands()));
    await ref.rush({});
    world.network.partition(['a'], ['b']);
    const asked = millraceRejection(ref.rush({}, { timeoutMs: 60_000 }));
    const load = new Uint8Array(100_000);
    let sent = 0;
    let sawFalse = false;
    while ([...near.router.channels()].length > 0 && sent < 20 * 1024 * 1024) {
      sawFalse = !ref.urge({ load }) || sawFalse;
      sent += load.length;
    }
    expect(sawFalse, 'the mark first').to.equal(true);
    expect(sent).to.be.lessThan(limits.controlBacklogBytes + limits.linkWindowBytes + 200_000);
    expect(await asked).to.be.instanceOf(UnreachableError);
  });

  it('bounds the replies to a peer that asks and does not read', async function () {
    this.timeout(120_000);
    const world = new PartitionWorld({ linkLimits: { linkBacklogBytes: 1024 * 1024 * 1024 } });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const load = new Uint8Array(4 * 1024 * 1024);
    const held: (() => void)[] = [];
    const outcomes: string[] = [];
    for (let index = 0; index < 22; index += 1) {
      const answer = (): Promise<object> => new Promise((resolve) => held.push(() => resolve({ load })));
      const worker = far.system.spawn(errands({ run: answer }));
      const asked = world.reach(near, Errands, worker).run({}, { timeoutMs: 60_000 });
      asked.then(
        () => outcomes.push('reply'),
        (error: Error) => outcomes.push(error.name),
      );
    }
    await until('all to be asked', () => held.length === 22);
    world.network.partition(['a'], ['b']);
    for (const reply of held) reply();
    await world.pass(10);
    world.network.heal();
    await until('all to be answered', () => outcomes.length === 22);
    expect(outcomes.filter((name) => name === 'reply').length * load.length)
      .to.be.at.least(limits.linkReplyBytes)
      .and.lessThan(limits.linkReplyBytes + 3 * load.length);
    expect(outcomes).to.include('BackpressureError');
  });
});
