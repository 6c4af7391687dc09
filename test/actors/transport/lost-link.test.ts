import { expect } from 'chai';
import fc from 'fast-check';
import { ProtocolError, UnreachableError } from '#src/errors.js';
import { behavior, type DeadLetter } from '#src/actors/kernel/index.js';
import { Lane, type TellMethod, v1 } from '#src/protocol/index.js';
import { limits } from '#src/limits.js';
import { rejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { Errands } from './errands.js';
import { endWorlds, errands, type Partition, PartitionWorld, pathIn } from './partitions.js';

const LATENCY_MS = 10;
const load = new Uint8Array(0);

/** Two partitions with a link; `handled` are the values that the far actor was told, `letters` those that the near one got back. */
async function setUp() {
  const world = new PartitionWorld({ latencyMs: LATENCY_MS, linkDeadMs: 1_000 });
  const [near, far] = [await world.start('a/1'), await world.start('b/1')];
  const handled: number[] = [];
  const take = (_state: undefined, { value }: { value: number }): void => void handled.push(value);
  const worker = far.system.spawn(errands({ push: take, urge: take }));
  const ref = world.reach(near, Errands, worker);
  await ref.run({});
  const letters: DeadLetter[] = [];
  near.system.deadLetters.subscribe((letter) => letters.push(letter));
  return { world, near, far, handled, worker, ref, letters };
}

const isCut = ({ router }: Partition): boolean => [...router.channels()].length === 0;
const valueOf = ({ message }: DeadLetter): number => (message as { value: number }).value;

const run = Errands.methods.run;

/** A service with a tell of a type. */
function heavy(request: typeof v1.Undelivered) {
  const push: TellMethod<v1.Undelivered, v1.UndeliveredInit> = {
    name: 'push',
    fullName: 'test.Heavy.Push',
    mode: 'tell',
    lane: Lane.data,
    request,
    response: Errands.methods.push.response,
  };
  return { typeName: 'test.Heavy', methods: { push, run } };
}

/** A type that a sender writes, and that no receiver reads, such as one with a lower bound. */
const unread: typeof v1.Undelivered = {
  ...v1.Undelivered,
  read: () => {
    throw new ProtocolError('It is more than this receiver takes.');
  },
};

describe('a tell that its receiver does not decode', () => {
  afterEach(endWorlds);

  async function setUpHeavy(request: typeof v1.Undelivered) {
    const Heavy = heavy(request);
    const world = new PartitionWorld({ latencyMs: LATENCY_MS, linkDeadMs: 1_000 });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const held = behavior(Heavy, { push: () => {}, run: () => new Promise(() => {}) });
    const ref = world.reach(near, Heavy, far.system.spawn(held));
    const letters: DeadLetter[] = [];
    near.system.deadLetters.subscribe((letter) => letters.push(letter));
    return { world, near, far, ref, letters, messages: [load] };
  }

  it('is a dead letter without its message when the link is lost, and holds up nobody', async () => {
    const { world, near, ref, letters, messages } = await setUpHeavy(unread);
    const asked = rejection(ref.run({}, { timeoutMs: 600_000 }));
    await world.pass(100);
    world.network.partition(['a'], ['b']);
    ref.push({ messages });
    expect(await asked).to.be.instanceOf(UnreachableError);
    await until('the link to be lost', () => isCut(near));
    expect(letters.map(({ reason, message }) => [reason, message])).to.deep.equal([['unreachable', undefined]]);
  });

  it('comes back from a peer that cannot read it, as a dead letter', async () => {
    const { world, ref, letters, messages } = await setUpHeavy(unread);
    ref.push({ messages });
    await world.pass(1_000);
    expect(letters.map(({ reason, message }) => [reason, message])).to.deep.equal([['malformed', undefined]]);
  });

  it('is refused at the call where it takes more memory than any receiver allows, and the link goes on', async () => {
    const { world, far, ref, letters } = await setUpHeavy(v1.Undelivered);
    const messages = Array.from({ length: 800_000 }, () => load);
    expect(() => ref.push({ messages })).to.throw(
      ProtocolError,
      /No receiver would read this millrace\.v1\.Undelivered.*Send it in parts/,
    );
    expect(ref.push({ messages: messages.slice(0, 100_000) })).to.be.a('boolean');
    await world.pass(1_000);
    expect([letters.length, far.router.protocolErrors]).to.deep.equal([0, 0]);
  });
});

describe('tells in flight on a link that is lost', () => {
  afterEach(endWorlds);

  it('become dead letters at the sender: path, method, message, reason and cause, in order on each lane', async () => {
    const { world, near, far, worker, ref, letters } = await setUp();
    world.network.partition(['a'], ['b']);
    for (const value of [1, 2, 3]) {
      expect(ref.push({ value })).to.equal(true);
      await world.pass(1);
    }
    ref.urge({ value: 4 });
    await until('the link to be lost', () => isCut(near));
    const about = { path: pathIn(far, worker), reason: 'unreachable' };
    for (const { cause } of letters) expect(cause).to.be.instanceOf(UnreachableError);
    expect(letters.map(withoutCause)).to.deep.equal([
      { ...about, method: 'test.Errands.Urge', message: { value: 4, load } },
      ...[1, 2, 3].map((value) => ({ ...about, method: 'test.Errands.Push', message: { value, load } })),
    ]);
    expect(near.system.deadLetters.count).to.equal(4);
  });

  it('are not those that the peer has taken', async () => {
    const { world, near, handled, ref, letters } = await setUp();
    for (const value of [1, 2, 3]) ref.push({ value });
    await until('the first three', () => handled.length === 3);
    world.network.partition(['a'], ['b']);
    for (const value of [4, 5]) ref.push({ value });
    await until('the link to be lost', () => isCut(near));
    expect(letters.map(valueOf)).to.deep.equal([4, 5]);
    expect(handled).to.deep.equal([1, 2, 3]);
  });

  it('become dead letters although they had waited for the link to open, or for its credit', async () => {
    const { world, near, ref, letters } = await setUp();
    world.network.partition(['a'], ['b']);
    await until('the link to be lost', () => isCut(near));
    world.network.heal();
    const big = new Uint8Array(240_000);
    for (const value of [1, 2, 3, 4, 5]) ref.push({ value, load: big });
    await until('the next link to be open', () => [...near.router.channels()].some(({ isOpen }) => isOpen));
    await world.pass(1);
    world.network.partition(['a'], ['b']);
    await until('the next link to be lost', () => isCut(near));
    expect(letters.map(valueOf)).to.deep.equal([1, 2, 3, 4, 5]);
  });

  it('become dead letters when the peer crashes or stops with them on the way', async () => {
    for (const isCrash of [true, false]) {
      const { world, near, far, handled, ref, letters } = await setUp();
      ref.push({ value: 1 });
      await until('the first', () => handled.length === 1);
      if (isCrash) world.network.crash('b');
      else void far.system.shutdown().then(() => far.router.close());
      for (const value of [2, 3]) ref.push({ value });
      await until('the link to be lost', () => isCut(near));
      await world.pass(10 * LATENCY_MS);
      const atReceiver = isCrash ? 0 : far.system.deadLetters.count;
      expect(handled.length + atReceiver + letters.length).to.equal(3);
      expect(letters.map(valueOf)).to.deep.equal([2, 3].slice(atReceiver));
    }
  });

  it('arrive, and are no dead letters, when it is their own partition that stops', async () => {
    const { near, handled, ref, letters } = await setUp();
    for (const value of [1, 2, 3]) ref.push({ value });
    await near.system.shutdown();
    expect(await near.router.close()).to.equal(0);
    expect(handled).to.deep.equal([1, 2, 3]);
    expect(letters).to.deep.equal([]);
  });

  it('arrive when their own partition stops while the link is being opened', async () => {
    const world = new PartitionWorld({ latencyMs: LATENCY_MS });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const handled: number[] = [];
    const worker = far.system.spawn(errands({ push: (_state, { value }) => void handled.push(value) }));
    const ref = world.reach(near, Errands, worker);
    for (const value of [1, 2, 3]) ref.push({ value });
    await near.system.shutdown();
    expect(await near.router.close()).to.equal(0);
    expect(handled).to.deep.equal([1, 2, 3]);
    expect(near.system.deadLetters.count).to.equal(0);
  });

  it('become dead letters when their own partition stops, and the link does not open in time', async () => {
    const world = new PartitionWorld({ latencyMs: LATENCY_MS });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const worker = far.system.spawn(errands());
    world.network.partition(['a'], ['b']);
    const letters: DeadLetter[] = [];
    near.system.deadLetters.subscribe((letter) => letters.push(letter));
    const ref = world.reach(near, Errands, worker);
    for (const value of [1, 2, 3]) ref.push({ value });
    await near.system.shutdown();
    const stoppedMs = world.scheduler.now();
    expect(await near.router.close()).to.equal(3);
    expect(world.scheduler.now() - stoppedMs).to.be.at.most(limits.linkLingerMs);
    expect(letters.map(valueOf)).to.deep.equal([1, 2, 3]);
    expect(new Set(letters.map(({ reason }) => reason))).to.deep.equal(new Set(['not taken']));
  });

  it('become dead letters when it is their own partition that stops, and the peer does not take them in time', async () => {
    const { world, near, far, handled, ref, letters } = await setUp();
    for (const value of [1, 2, 3]) ref.push({ value });
    await until('the first three', () => handled.length === 3);
    world.network.partition(['a'], ['b']);
    for (const value of [4, 5]) ref.push({ value });
    ref.urge({ value: 6 });
    await near.system.shutdown();
    const stoppedMs = world.scheduler.now();
    expect(await near.router.close()).to.equal(3);
    expect(world.scheduler.now() - stoppedMs).to.be.at.most(limits.linkLingerMs);
    expect(letters.map(valueOf)).to.deep.equal([6, 4, 5]);
    expect(letters.map(({ reason }) => reason)).to.deep.equal(['not taken', 'not taken', 'not taken']);
    world.network.heal();
    await until('the far end to notice', () => isCut(far));
    expect(handled).to.deep.equal([1, 2, 3]);
  });

  it('become dead letters when their own partition stops, and the peer does not read', async () => {
    const world = new PartitionWorld({ latencyMs: LATENCY_MS });
    const near = await world.start('a/1');
    const deaf = world.network.transport({ node: 'b', process: '1' });
    const address = await deaf.listen(() => {});
    const ref = near.system.referenceTo(Errands, near.router.routeTo(address, 3n));
    const letters: DeadLetter[] = [];
    near.system.deadLetters.subscribe((letter) => letters.push(letter));
    const big = new Uint8Array(100_000);
    ref.push({ value: 0 });
    await world.pass(5 * LATENCY_MS);
    for (let value = 1; value < 20; value += 1) ref.push({ value, load: big });
    await world.pass(5 * LATENCY_MS);
    for (let value = 20; value < 23; value += 1) ref.push({ value });
    await near.system.shutdown();
    expect(await near.router.close()).to.equal(23);
    expect(letters.map(valueOf)).to.deep.equal(Array.from({ length: 23 }, (_, value) => value));
    expect(new Set(letters.map(({ reason }) => reason))).to.deep.equal(new Set(['not taken']));
    await deaf.close();
  });

  it('and all others were handled or became dead letters, never both, whatever their size and whenever the cut', async () => {
    const message = fc.record({
      kind: fc.constantFrom('push', 'urge', 'run', 'wait'),
      size: fc.oneof(
        fc.nat(200),
        fc.nat(3_000),
        fc.integer({ min: limits.frameBytes - 50, max: 3 * limits.frameBytes }),
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 60 }), fc.nat(60), async (messages, cutAt) => {
        const { world, near, handled, ref, letters } = await setUp();
        const accepted: number[] = [];
        for (const [value, { kind, size }] of messages.entries()) {
          if (value === cutAt) world.network.partition(['a'], ['b']);
          const request = { value, load: new Uint8Array(size) };
          if (kind === 'wait') await world.pass(size % 25);
          else if (kind === 'run') ref.run(request, { timeoutMs: 500 }).catch(() => {});
          else {
            accepted.push(value);
            ref[kind === 'push' ? 'push' : 'urge'](request);
          }
        }
        world.network.partition(['a'], ['b']);
        await until('the link to be lost', () => isCut(near));
        const ends = [...handled, ...letters.map(valueOf)];
        expect(ends.toSorted((one, other) => one - other)).to.deep.equal(accepted);
        for (const letter of letters) {
          const { load: bytes } = letter.message as { load: Uint8Array };
          expect(bytes.length).to.equal(messages[valueOf(letter)]?.size);
        }
      }),
      { numRuns: 40 },
    );
  });
});

function withoutCause({ path, reason, method, message }: DeadLetter) {
  return { path, reason, method, message };
}
