import { expect } from 'chai';
import fc from 'fast-check';
import { Fences } from '#src/actors/transport/fences.js';
import { UnreachableError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { LANES } from '#src/protocol/index.js';
import { RealScheduler, VirtualScheduler } from '#src/scheduler/index.js';
import { millraceRejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { Errands } from './errands.js';
import { endWorlds, errands, type Partition, PartitionWorld } from './partitions.js';
import { Stranger } from './stranger.js';

const hasNoLink = ({ router }: Partition): boolean => [...router.channels()].length === 0;

/** Two partitions, of which the near one gives a cut link up long before the far one. The first link between them is slow. */
async function setUp() {
  const world = new PartitionWorld({ latencyMs: 50 });
  const near = await world.start('a/1', { linkDeadMs: 500 });
  const far = await world.start('b/1', { linkDeadMs: 20_000 });
  const handled: number[] = [];
  const take = (_state: undefined, { value }: { value: number }): void => void handled.push(value);
  const ref = world.reach(near, Errands, far.system.spawn(errands({ push: take, urge: take })));
  const lost: number[] = [];
  near.system.deadLetters.subscribe(({ message }) => lost.push((message as { value: number }).value));
  return { world, near, far, handled, ref, lost };
}

describe('a link that one end has given up', () => {
  afterEach(endWorlds);

  for (const isKnown of [true, false]) {
    const when = isKnown ? 'although the other end still has it open' : 'although its hello was still on its way';
    it(`delivers nothing after the first message of the next link, ${when}`, async () => {
      const { world, near, far, handled, ref, lost } = await setUp();
      if (isKnown) await ref.run({});
      else await world.pass(1);
      ref.push({ value: 1 });
      ref.urge({ value: 2 });
      // The link is open, and what was sent over it has not arrived.
      await until('the link to be open', () => [...near.router.channels()].some(({ isOpen }) => isOpen));
      await world.pass(1);
      world.network.partition(['a'], ['b']);
      ref.push({ value: 3 });
      await until('the link to be given up', () => hasNoLink(near));
      world.network.override('a', 'b', { latencyMs: 1 });
      ref.push({ value: 4 });
      ref.urge({ value: 5 });
      const backToNear = world.reach(far, Errands, near.system.spawn(errands()));
      const pending = isKnown ? millraceRejection(backToNear.run({}, { timeoutMs: 60_000 })) : undefined;
      world.network.heal();
      const from = world.scheduler.now();
      await until('the new messages', () => handled.length === 2);
      expect(world.scheduler.now() - from).to.be.lessThan(50);
      if (pending !== undefined) expect(await pending).to.be.instanceOf(UnreachableError);
      await world.pass(1_000);
      expect(handled).to.have.members([4, 5]);
      expect(lost).to.have.members([1, 2, 3]);
      expect([...far.router.channels()]).to.have.length(1);
      expect(await backToNear.run({ value: 7 })).to.include({ value: 7 });
    });
  }

  it('keeps the order of each sender, receiver and lane, whatever is cut, healed and delayed', async () => {
    const sends = fc.array(fc.nat(20), { maxLength: 12 });
    const round = fc.record({
      latencyMs: fc.constantFrom(1, 20, 300),
      before: sends,
      settleMs: fc.constantFrom(0, 300, 3_000),
      inFlight: sends,
      during: sends,
      cutMs: fc.integer({ min: 50, max: 2_000 }),
    });
    const rounds = fc.array(round, { minLength: 1, maxLength: 5 });
    const dead = fc.integer({ min: 100, max: 2_000 });
    let given = 0;
    await fc.assert(
      fc.asyncProperty(rounds, dead, dead, fc.nat(), async (all, one, other, seed) => {
        const world = new PartitionWorld({ seed });
        const near = await world.start('a/1', { linkDeadMs: one });
        const far = await world.start('b/1', { linkDeadMs: other });
        const seen: Record<'push' | 'urge', number[]> = { push: [], urge: [] };
        const behavior = errands({
          push: (_state, { value }) => void seen.push.push(value),
          urge: (_state, { value }) => void seen.urge.push(value),
        });
        const ref = world.reach(near, Errands, far.system.spawn(behavior));
        let value = 0;
        const send = async (gaps: readonly number[]): Promise<void> => {
          for (const gapMs of gaps) {
            value += 1;
            ref.push({ value });
            ref.urge({ value });
            await world.pass(gapMs);
          }
        };
        for (const { latencyMs, before, settleMs, inFlight, during, cutMs } of all) {
          // Of the links that open from now on.
          world.network.override('a', 'b', { latencyMs, jitterMs: latencyMs });
          await send(before);
          await world.pass(settleMs);
          await send(inFlight);
          world.network.partition(['a'], ['b']);
          await send(during);
          await world.pass(cutMs);
          await send([0]);
          world.network.heal();
        }
        await world.pass(10_000);
        for (const lane of ['push', 'urge'] as const) {
          expect(seen[lane]).to.deep.equal([...new Set(seen[lane])].toSorted((left, right) => left - right));
        }
        given += near.system.deadLetters.count;
      }),
      { numRuns: 100 },
    );
    expect(given, 'links were given up with messages on their way').to.be.greaterThan(0);
  });

  it('is fenced on each lane of the next link before anything else, so that no lane can overtake the fence', async () => {
    const world = new PartitionWorld({ linkDeadMs: 500 });
    const near = await world.start('a/1');
    const transport = world.network.transport({ node: 'c', process: '1' });
    const strangers: Stranger[] = [];
    const address = await transport.listen((link) => strangers.push(new Stranger(transport, link)));
    const ref = near.system.referenceTo(Errands, near.router.routeTo(address, 9n));
    for (const links of [1, 2]) {
      ref.push({ value: links });
      ref.urge({ value: links });
      await until('the tells', () =>
        LANES.every((lane) => strangers[links - 1]?.heard[lane].includes('tell') === true),
      );
      world.network.partition(['a'], ['c']);
      await until('the link to be given up', () => hasNoLink(near));
      world.network.heal();
    }
    const [first, second] = strangers;
    for (const lane of LANES) {
      expect(first?.heard[lane]).to.deep.equal(['hello', 'tell']);
      expect(second?.heard[lane]).to.deep.equal(['hello', 'fence', 'tell']);
    }
    const token = first?.words.flatMap((word) => (word.case === 'hello' ? [word.value.token] : []))[0];
    expect(second?.words).to.deep.include({ case: 'fence', value: { tokens: [token] } });
    await transport.close();
  });

  it('is fenced by its own ends alone: a peer that guesses tokens, or names its own link, fences nothing', async () => {
    const world = new PartitionWorld();
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const ref = world.reach(near, Errands, far.system.spawn(errands()));
    await ref.run({});
    const transport = world.network.transport({ node: 'c', process: '1' });
    const stranger = new Stranger(transport, await transport.connect(far.address, { timeoutMs: 1_000 }));
    const { ordinal } = near;
    const hello = { version: 1, address: near.address, ordinal, incarnation: 0n, token: 5n };
    stranger.send(stranger.word({ message: { case: 'hello', value: hello } }));
    for (const tokens of [[1n, 2n, 3n], [5n], Array.from({ length: 17 }, (_none, index) => BigInt(index + 10))]) {
      stranger.send(stranger.word({ message: { case: 'fence', value: { tokens } } }));
    }
    await until('two to be refused', () => far.router.protocolErrors === 2);
    expect(await ref.run({ value: 1 })).to.include({ value: 1 });
    expect([...near.router.channels()]).to.have.length(1);
    await transport.close();
  });
});

describe('the tokens of links', () => {
  afterEach(endWorlds);

  it('differ between partitions, on virtual time too', async () => {
    const world = new PartitionWorld();
    const all = [await world.start('a/1'), await world.start('b/1'), await world.start('a/2')];
    for (const from of all) {
      for (const to of all) {
        if (from !== to) await world.reach(from, Errands, to.system.spawn(errands())).run({});
      }
    }
    const tokens = all.flatMap(({ router }) => [...router.channels()].map(({ token }) => token));
    expect(tokens.length).to.be.at.least(6);
    expect(new Set(tokens).size).to.equal(tokens.length);
  });
});

describe('the tables of fences', () => {
  it('are bounded, whatever is given up and fenced', () => {
    const fences = new Fences<object>(new VirtualScheduler({ seed: 1 }));
    for (let index = 1; index <= 5 * limits.givenUpLinks; index += 1) {
      fences.gaveUp(BigInt(index), [`key ${index % (3 * limits.givenUpLinks)}`, 'a key']);
      fences.fence(BigInt(index));
    }
    expect(fences.size).to.equal(2 * limits.givenUpLinks);
    expect(fences.givenUpTo(['a key']))
      .to.have.length(16)
      .and.to.include(BigInt(5 * limits.givenUpLinks));
  });

  it('draw tokens that differ', () => {
    const fences = new Fences<object>(new RealScheduler());
    const tokens = Array.from({ length: 1_000 }, (_none, index) => fences.draw('a', index % 2 === 0));
    expect(new Set(tokens).size).to.equal(1_000);
    expect(tokens).to.not.include(0n);
  });
});
