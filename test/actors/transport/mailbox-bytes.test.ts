import { expect } from 'chai';
import fc from 'fast-check';
import { BackpressureError, ConfigError } from '#src/errors.js';
import { gate } from '../../support/deferred.js';
import { millraceRejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { Errands } from './errands.js';
import { endWorlds, errands, PartitionWorld } from './partitions.js';

const load = new Uint8Array(1_000);

/** Two partitions; every actor of the second is held until `open` is called. */
async function held(mailboxBytes: number) {
  const world = new PartitionWorld({ latencyMs: 1, kernelLimits: { mailboxBytes } });
  const [near, far] = [await world.start('a/1'), await world.start('b/1')];
  const { passed, open } = gate();
  const seen: number[] = [];
  const spawn = () =>
    far.system.spawn(
      errands({
        push: (_state, { value }) => {
          if (value > 0) seen.push(value);
          return passed;
        },
        urge: (_state, { value }) => void seen.push(value),
        run: (_state, { value }) => ({ value }),
      }),
    );
  return { world, near, far, spawn, seen, open };
}

describe('the bytes that wait in mailboxes', () => {
  afterEach(endWorlds);

  it('are counted for messages from links, all actors together, until they are handled', async () => {
    const { world, near, far, spawn, seen, open } = await held(1_000_000);
    const refs = [1, 2].map(() => world.reach(near, Errands, spawn()));
    for (const ref of refs) for (const value of [1, 2, 3]) ref.push({ value, load });
    await world.pass(10);
    // Of each actor the first is in its handler.
    const { mailboxBytes } = far.system.statistics;
    expect(mailboxBytes % 4).to.equal(0);
    // The object, its properties and the bytes.
    expect(mailboxBytes / 4).to.be.within(1_000 + 3 + 2, 1_500);
    expect(near.system.statistics.mailboxBytes).to.equal(0);
    open();
    await until('all to be handled', () => seen.length === 6);
    expect(far.system.statistics.mailboxBytes).to.equal(0);
  });

  it('do not count what is sent within the partition', async () => {
    const { world, far, spawn } = await held(1_000_000);
    const ref = spawn();
    for (const value of [1, 2, 3]) ref.push({ value, load });
    await world.pass(1);
    expect(far.system.statistics.mailboxBytes).to.equal(0);
  });

  it('past the mark make tells answer false, to any actor, until half is free', async () => {
    const { world, near, spawn, seen, open } = await held(10_000);
    const [one, other] = [world.reach(near, Errands, spawn()), world.reach(near, Errands, spawn())];
    for (let value = 1; value <= 9; value++) expect(one.push({ value, load })).to.equal(true);
    await world.pass(10);
    expect(one.push({ value: 10 })).to.equal(false);
    expect(other.push({ value: 11 }), 'the same link').to.equal(false);
    await world.pass(10);
    expect(other.push({ value: 12 })).to.equal(false);
    let isReady = false;
    const ready = Promise.all([one.ready(), other.ready()]).then(() => {
      isReady = true;
    });
    await world.pass(1_000);
    expect(isReady).to.equal(false);
    open();
    await ready;
    await until('all to be handled', () => seen.length === 12);
  });

  it('at the bound: tells wait encoded and none is lost, BackpressureError for an ask, and no bound for the control lane', async () => {
    const { world, near, far, spawn, seen, open } = await held(11_000);
    const reach = () => world.reach(near, Errands, spawn());
    const [one, other, third] = [reach(), reach(), reach()];
    // They come in one frame; ten fill the bound and pass it by a little.
    for (let value = 1; value <= 14; value++) one.push({ value, load });
    await world.pass(10);
    // The handler has taken one meanwhile. The next is the first message of an idle actor.
    one.push({ value: 15, load });
    other.push({ value: 16, load });
    await world.pass(10);
    const refused = await millraceRejection(other.run({ value: 1 }));
    expect(refused).to.be.instanceOf(BackpressureError);
    expect(refused.message).to.contain('mailboxBytes');
    expect(await third.rush({ value: 2 })).to.deep.include({ value: 2 });
    one.urge({ value: 99 });
    open();
    await until('all to be handled', () => seen.length === 17);
    const ofOne = seen.filter((value) => value !== 16);
    expect(ofOne).to.deep.equal([...ofOne.keys()].map((index) => (index < 15 ? index + 1 : 99)));
    await other.ready();
    expect(await other.run({ value: 3 })).to.deep.include({ value: 3 });
    expect([near, far].map(({ system }) => system.deadLetters.count)).to.deep.equal([0, 0]);
  });

  it('let a message pass that is larger than the bound', async () => {
    const { world, near, spawn } = await held(500);
    const ref = world.reach(near, Errands, spawn());
    expect(await ref.run({ value: 1, load })).to.deep.include({ value: 1 });
  });

  it('are none when nothing waits, whatever became of the messages', async () => {
    const message = fc.record({
      size: fc.integer({ min: 0, max: 2_000 }),
      isAsk: fc.boolean(),
      actor: fc.nat(2),
      timeoutMs: fc.constantFrom(3, 60_000),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 60 }), fc.boolean(), async (messages, stops) => {
        const world = new PartitionWorld({ latencyMs: 1, kernelLimits: { mailboxBytes: 8_000 } });
        const [near, far] = [await world.start('a/1'), await world.start('b/1')];
        const slow = () => new Promise<void>((resolve) => void world.scheduler.setTimer(10, resolve));
        const actors = (['backpressure', 'drop-newest', 'drop-oldest'] as const).map((overflow) =>
          far.system.spawn(
            errands({
              mailbox: { capacity: 5, overflow, stashCapacity: 2 },
              supervision: 'resume',
              push: (_state, { value }, ctx) => {
                if (value % 3 === 0) ctx.stash();
                if (value % 3 === 1) ctx.unstashAll();
                return slow();
              },
              run: async (_state, request, ctx) => {
                await slow();
                if (request.value % 2 === 0) ctx.stash();
                return request;
              },
            }),
          ),
        );
        const refs = actors.map((actor) => world.reach(near, Errands, actor));
        const answers: Promise<unknown>[] = [];
        for (const [value, { size, isAsk, actor, timeoutMs }] of messages.entries()) {
          const request = { value, load: new Uint8Array(size) };
          if (isAsk) answers.push(refs[actor]?.run(request, { timeoutMs }).catch(() => {}) ?? Promise.resolve());
          else refs[actor]?.push(request);
          if (value % 7 === 0) await world.pass(5);
        }
        await world.pass(stops ? 20 : 100);
        for (const actor of actors) {
          if (!stops) actor.push({ value: 1 });
        }
        if (!stops) await world.pass(200);
        // Stopping answers what waits; the world holds that no bytes are left.
        for (const actor of actors) await far.system.stop(actor);
        await Promise.all(answers);
        expect(far.system.statistics.mailboxBytes).to.equal(0);
      }),
      { numRuns: 20 },
    );
  });

  it('have a bound that is a number', async () => {
    const world = new PartitionWorld({ kernelLimits: { mailboxBytes: Number.NaN } });
    expect(await millraceRejection(world.start('a/1'))).to.be.instanceOf(ConfigError);
  });
});
