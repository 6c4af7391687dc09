import { expect } from 'chai';
import { AskTimeoutError } from '#src/errors.js';
import { type AnyMethod, type EnvelopeHeader, EnvelopeMode } from '#src/protocol/index.js';
import { millraceRejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { Errands, list as listOf, run } from './errands.js';
import { endWorlds, errands, listing, PartitionWorld } from './partitions.js';
import { Stranger } from './stranger.js';

const LATENCY_MS = 10;

async function setUp(options: ConstructorParameters<typeof PartitionWorld>[0] = {}) {
  const world = new PartitionWorld({ latencyMs: LATENCY_MS, linkDeadMs: 60_000, ...options });
  const [near, far] = [await world.start('a/1'), await world.start('b/1')];
  const executed: number[] = [];
  const execute = (_state: undefined, { value }: { value: number }): object => {
    executed.push(value);
    return {};
  };
  const ref = world.reach(near, Errands, far.system.spawn(errands({ run: execute, rush: execute })));
  return { world, near, far, executed, ref };
}

/** Fills the header of a call that has a second left from `sentMs`. */
function callOf(cUid: bigint, method: AnyMethod, mode: EnvelopeMode, correlation: number, sentMs: number) {
  return (header: EnvelopeHeader): EnvelopeHeader =>
    Object.assign(header, {
      mode,
      method: 1,
      methodName: method.fullName,
      hasTo: true,
      toLow: Number(BigInt.asUintN(32, cUid)),
      toHigh: Number(cUid >> 32n),
      correlation,
      remainingMicroseconds: 1_000_000,
      sentMs,
    });
}

describe('an ask whose frame was held up on the way', () => {
  afterEach(endWorlds);

  it('is not executed after its deadline, and in time otherwise', async () => {
    const { world, ref, executed } = await setUp();
    await ref.run({ value: 0 });
    const heal = world.network.partition(['a'], ['b']);
    const late = [1, 2, 3].map((value) => millraceRejection(ref.run({ value }, { timeoutMs: 100 + value })));
    const lateOnControl = millraceRejection(ref.rush({ value: 4 }, { timeoutMs: 1_000 }));
    const good = ref.run({ value: 5 }, { timeoutMs: 5_000 });
    await world.pass(1_500);
    heal();
    for (const ask of [...late, lateOnControl]) expect(await ask).to.be.instanceOf(AskTimeoutError);
    await good;
    expect(executed).to.deep.equal([0, 5]);
  });

  it('is not executed when it was the first one over its link', async () => {
    const { world, near, far, executed, ref } = await setUp();
    await world.reach(far, Errands, near.system.spawn(errands())).run({});
    const heal = world.network.partition(['a'], ['b']);
    const late = millraceRejection(ref.run({ value: 1 }, { timeoutMs: 500 }));
    await world.pass(1_000);
    heal();
    expect(await late).to.be.instanceOf(AskTimeoutError);
    await ref.run({ value: 2 });
    expect(executed).to.deep.equal([2]);
  });

  it('leaves to its handler only the time that is left, for the asks that this makes', async () => {
    const { world, near, far } = await setUp();
    const slow = near.system.spawn(errands({ run: () => new Promise<never>(() => {}) }));
    const failedAt: number[] = [];
    const relay = errands({
      run: async (_state, { value }, context) => {
        if (value === 0) return {};
        await world
          .reach(far, Errands, slow)
          .run({}, context.options())
          .catch(() => failedAt.push(world.scheduler.now()));
        return {};
      },
    });
    const ref = world.reach(near, Errands, far.system.spawn(relay));
    await ref.run({ value: 0 });
    const began = world.scheduler.now();
    const heal = world.network.partition(['a'], ['b']);
    const asked = millraceRejection(ref.run({ value: 1 }, { timeoutMs: 2_000 }));
    await world.pass(1_500);
    heal();
    await asked;
    await until('the inner ask to fail', () => failedAt.length === 1);
    expect(failedAt[0]).to.be.within(began + 1_900, began + 2_000 + 2 * LATENCY_MS);
  });

  it('opens no stream after its deadline', async () => {
    const { world, far } = await setUp();
    const begun: number[] = [];
    const list = async function* (_state: undefined, { value }: { value: number }) {
      begun.push(value);
      yield { value };
    };
    const { cUid } = far.system.spawn(listing({ list })).toRef();
    const transport = world.network.transport({ node: 'c', process: '1' });
    const stranger = new Stranger(transport, await transport.connect(far.address, { timeoutMs: 1_000 }));
    const open = (correlation: number, sentMs: number): void => {
      const fill = callOf(cUid, listOf, EnvelopeMode.open, correlation, sentMs);
      stranger.send(
        stranger.envelope((header) => Object.assign(fill(header), { credit: 1, creditBytes: 1_024 }), listOf, {
          value: correlation,
        }),
      );
    };
    for (const [correlation, lateMs] of [0, 1_500, 500].entries()) open(correlation + 1, 10_000 - lateMs);
    await until('the last to begin', () => begun.includes(3));
    await world.pass(100);
    expect(begun).to.deep.equal([1, 3]);
    await transport.close();
  });

  it('has its deadline from when it was made, wherever it lies in its frame', async () => {
    const { world, ref, executed } = await setUp({ latencyMs: 0 });
    await ref.run({ value: 0 });
    const loads = [10, 60_000, 10, 200_000, 10];
    const heal = world.network.partition(['a'], ['b']);
    const asks = loads.map((size, index) =>
      ref
        .run({ value: index + 1, load: new Uint8Array(size) }, { timeoutMs: index % 2 === 0 ? 900 : 1_100 })
        .catch(() => 'late'),
    );
    await world.pass(1_000);
    heal();
    await Promise.all(asks);
    await ref.run({ value: 9 });
    expect(executed).to.deep.equal([0, 2, 4, 9]);
  });

  it('costs a flood of pings one answer for each time, and a peer that states absurd times only its own asks', async () => {
    const { world, far } = await setUp();
    const transport = world.network.transport({ node: 'c', process: '1' });
    const stranger = new Stranger(transport, await transport.connect(far.address, { timeoutMs: 1_000 }));
    const target = far.system.spawn(errands());
    const { cUid } = target.toRef();
    const ask = (correlation: number, sentMs: number): Uint8Array =>
      stranger.envelope(callOf(cUid, run, EnvelopeMode.ask, correlation, sentMs), run);
    const absurd = [Number.NaN, Number.POSITIVE_INFINITY, 1e300, Number.MAX_VALUE, Number.MIN_VALUE];
    for (const [index, sentMs] of absurd.entries()) stranger.send(ask(index + 1, sentMs));
    const ping = stranger.word({ message: { case: 'clockPing', value: { sentMs: 1 } } });
    for (let index = 0; index < 300; index += 1) stranger.send(ping);
    await until('answers', () => stranger.answers.length > 0);
    await world.pass(100);
    const pongs = stranger.words.filter((word) => word.case === 'clockPong');
    expect(pongs.length).to.be.within(1, 20);
    expect(far.router.protocolErrors).to.equal(0);
    await transport.close();
  });
});
