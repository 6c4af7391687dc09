import { expect } from 'chai';
import { AbortedAsks } from '#src/actors/transport/aborted-asks.js';
import { type Context, deferred, type DeferredReply } from '#src/actors/kernel/index.js';
import { AskAbortedError, AskTimeoutError, StoppedError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { EnvelopeMode } from '#src/protocol/index.js';
import { millraceRejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { Errands, run } from './errands.js';
import { endWorlds, errands, PartitionWorld } from './partitions.js';
import { Stranger } from './stranger.js';

for (const isReal of [false, true]) {
  describe(`an ask over a link that its caller aborts, in ${isReal ? 'real' : 'virtual'} time`, () => {
    afterEach(endWorlds);

    async function setUp() {
      const world = new PartitionWorld({ isReal, latencyMs: 1 });
      const [near, far] = [await world.start('a/1'), await world.start('b/1')];
      const executed: number[] = [];
      const gates: (() => void)[] = [];
      const held = async (_state: undefined, { value }: { value: number }): Promise<object> => {
        executed.push(value);
        await new Promise<void>((resolve) => gates.push(resolve));
        return { value };
      };
      const worker = far.system.spawn(errands({ run: held, rush: held }));
      return { world, near, far, executed, gates, ref: world.reach(near, Errands, worker) };
    }

    for (const lane of ['run', 'rush'] as const) {
      it(`is not executed when it was not begun (${lane})`, async () => {
        const { world, executed, gates, ref } = await setUp();
        const controller = new AbortController();
        const first = ref.run({ value: 1 });
        await until('the first to begin', () => executed.length === 1);
        const second = millraceRejection(ref[lane]({ value: 2 }, { signal: controller.signal }));
        const third = ref.run({ value: 3 });
        await world.pass(5);
        controller.abort();
        expect(await second).to.be.instanceOf(AskAbortedError);
        await world.pass(5);
        gates[0]?.();
        await first;
        await until('the third to begin', () => executed.length === 2);
        gates[1]?.();
        await third;
        expect(executed).to.deep.equal([1, 3]);
      });
    }

    it('goes on when it was begun; its answer is not sent', async () => {
      const { world, near, far, executed, gates, ref } = await setUp();
      const controller = new AbortController();
      const asked = millraceRejection(ref.run({ value: 1 }, { signal: controller.signal }));
      await until('it to begin', () => executed.length === 1);
      controller.abort();
      await asked;
      await world.pass(5);
      const [channel] = far.router.channels();
      const sent = channel?.link?.bytesSent;
      gates[0]?.();
      await world.pass(5);
      expect(channel?.link?.bytesSent).to.equal(sent);
      expect(near.system.statistics.pendingAsks).to.equal(0);
    });

    it('holds nothing of a deferred reply after its deadline, its abort, or the end of the link, and says so', async () => {
      const world = new PartitionWorld({ isReal, latencyMs: 1 });
      const [near, far] = [await world.start('a/1'), await world.start('b/1')];
      const waiting: DeferredReply<object>[] = [];
      const signals: AbortSignal[] = [];
      const run = (_state: undefined, _request: object, ctx: Context): DeferredReply<object> => {
        const reply = deferred<object>();
        waiting.push(reply);
        signals.push(ctx.signal);
        return reply;
      };
      const ref = world.reach(near, Errands, far.system.spawn(errands({ run })));
      await ref.rush({});
      const controller = new AbortController();
      const inTime = ref.run({});
      // It has to begin first, and a busy machine takes its time.
      const late = millraceRejection(ref.run({}, { timeoutMs: isReal ? 1_000 : 50 }));
      const aborted = millraceRejection(ref.run({}, { signal: controller.signal }));
      const lost = millraceRejection(ref.run({}));
      await until('all to begin', () => waiting.length === 4);
      expect(waiting[0]?.resolve({ value: 1 })).to.equal(true);
      expect(await inTime).to.have.property('value', 1);
      controller.abort();
      expect(await aborted).to.be.instanceOf(AskAbortedError);
      expect(await late).to.be.instanceOf(AskTimeoutError);
      await until('nobody to wait for two of them', () => far.system.unfinished().handlers === 1);
      expect(waiting.slice(1, 3).map((reply) => reply.resolve({}))).to.deep.equal([false, false]);
      for (const channel of near.router.channels()) channel.close(new StoppedError('The link is cut.'));
      await lost;
      await until('nobody to wait', () => far.system.unfinished().handlers === 0);
      expect(waiting[3]?.resolve({})).to.equal(false);
      expect(signals.map(({ aborted: isAborted }) => isAborted)).to.deep.equal([true, true, true, true]);
    });

    it('may be aborted too late: nothing happens, and the next is answered', async () => {
      const { executed, gates, ref } = await setUp();
      const controller = new AbortController();
      const asked = ref.run({ value: 1 }, { signal: controller.signal });
      await until('it to begin', () => executed.length === 1);
      gates[0]?.();
      expect(await asked).to.have.property('value', 1);
      controller.abort();
      const next = ref.run({ value: 2 }, { signal: new AbortController().signal });
      await until('the next to begin', () => executed.length === 2);
      gates[1]?.();
      expect(await next).to.have.property('value', 2);
    });
  });
}

describe('words of aborted asks', () => {
  afterEach(endWorlds);

  it('that come for nothing are bounded, the oldest are forgotten', () => {
    const aborted = new AbortedAsks();
    const last = 20 * limits.linkAsks;
    for (let correlation = 1; correlation <= last; correlation += 1) aborted.add(correlation);
    let known = 0;
    for (let correlation = 1; correlation <= last; correlation += 1) if (aborted.has(correlation)) known += 1;
    expect(known).to.be.within(limits.linkAsks / 2, limits.linkAsks);
    expect(aborted.has(last - limits.linkAsks / 2 + 1)).to.equal(true);
    aborted.delete(last);
    expect(aborted.has(last)).to.equal(false);
  });

  it('do nothing to a later ask with the same number', async () => {
    const world = new PartitionWorld();
    const far = await world.start('b/1');
    const executed: number[] = [];
    far.system.spawn(errands({ run: (_state, { value }) => ({ value: executed.push(value) }) }), { cUid: 3n });
    const transport = world.network.transport({ node: 'peer', process: '1' });
    const peer = new Stranger(transport, await transport.connect(far.address, { timeoutMs: 1_000 }));
    peer.send(peer.word({ message: { case: 'askAborted', value: { correlation: 5 } } }));
    const ask = (header: Parameters<Parameters<typeof peer.envelope>[0]>[0]): void => {
      header.hasTo = true;
      header.toLow = 3;
      header.mode = EnvelopeMode.ask;
      header.methodName = run.fullName;
      header.method = 1;
      header.correlation = 5;
    };
    peer.send(peer.envelope(ask, run, { value: 9 }));
    await until('it to be answered', () => peer.answers.length === 1);
    expect(executed).to.deep.equal([9]);
    expect(far.router.protocolErrors).to.equal(0);
    await transport.close();
  });
});
