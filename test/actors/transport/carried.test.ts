import { expect } from 'chai';
import type { ActorRef } from '#src/actors/kernel/index.js';
import { EnvelopeMode } from '#src/protocol/index.js';
import { until } from '../../support/until.js';
import { Errands, run } from './errands.js';
import { endWorlds, errands, PartitionWorld } from './partitions.js';
import { Stranger } from './stranger.js';

describe('what a message carries over links', () => {
  afterEach(endWorlds);

  it('its meta: copied to nested asks and tells, and added to on the way', async () => {
    const world = new PartitionWorld({ latencyMs: 1 });
    const [a, b, c] = [await world.start('a/1'), await world.start('b/1'), await world.start('c/1')];
    const seen: unknown[] = [];
    const last = c.system.spawn(
      errands({
        run: (_state, { value }, { meta }) => {
          seen.push(['asked', meta]);
          return { value };
        },
        push: (_state, _message, { meta }) => void seen.push(['told', meta]),
      }),
    );
    const onward = world.reach(b, Errands, last);
    const middle = b.system.spawn(
      errands({
        run: async (_state, request, ctx) => {
          onward.push({});
          await ctx.scheduler.outside(Promise.resolve());
          return onward.run(request, ctx.options({ meta: { hop: 'b' } }));
        },
      }),
    );
    const first = a.system.spawn(errands({ run: (_state, request) => world.reach(a, Errands, middle).run(request) }));
    expect(await first.run({ value: 5 }, { meta: { trace: '7' } })).to.deep.include({ value: 5 });
    expect(seen).to.deep.equal([
      ['told', { trace: '7' }],
      ['asked', { trace: '7', hop: 'b' }],
    ]);
  });

  it('its sender, who can be answered: its service does not travel, and is what ctx.ref says', async () => {
    const world = new PartitionWorld({ latencyMs: 1 });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const heard: number[] = [];
    const worker = far.system.spawn(
      errands({
        push: (_state, { value }, ctx) => {
          if (ctx.sender !== undefined) ctx.ref(Errands, ctx.sender).push({ value: value + 1 });
        },
      }),
    );
    const there: ActorRef<typeof Errands> = world.reach(near, Errands, worker);
    const caller = near.system.spawn(
      errands({
        push: (_state, { value }) => void heard.push(value),
        urge: (_state, message) => void there.push(message),
      }),
    );
    caller.urge({ value: 1 });
    await until('the answer to come', () => heard.length === 1);
    expect(heard).to.deep.equal([2]);
  });

  it('bytes that pass through: they come back with the reply or the failure, untouched', async () => {
    const world = new PartitionWorld();
    const far = await world.start('b/1');
    let answer = (): void => {};
    const held = (): Promise<object> =>
      new Promise((resolve) => {
        answer = () => resolve({ value: 1 });
      });
    far.system.spawn(errands({ run: held }), { cUid: 3n });
    const transport = world.network.transport({ node: 'peer', process: '1' });
    const peer = new Stranger(transport, await transport.connect(far.address, { timeoutMs: 1_000 }));
    const ask = (correlation: number, to: number, passThrough: Uint8Array): void =>
      peer.send(
        peer.envelope((header) => {
          header.hasTo = true;
          header.toLow = to;
          header.mode = EnvelopeMode.ask;
          header.methodName = run.fullName;
          header.method = 1;
          header.correlation = correlation;
          header.passThrough = passThrough;
        }, run),
      );
    ask(1, 3, new Uint8Array([1, 2, 3]));
    await world.pass(1);
    // What lies in the frames meanwhile is other bytes.
    ask(2, 4, new Uint8Array(50).fill(9));
    await world.pass(1);
    answer();
    const answerTo = (wanted: number) => peer.answers.find(({ correlation }) => correlation === wanted);
    await until('both to be answered', () => answerTo(1) !== undefined && answerTo(2) !== undefined);
    expect(answerTo(1)).to.deep.include({ mode: EnvelopeMode.reply, passThrough: new Uint8Array([1, 2, 3]) });
    expect(answerTo(2)).to.deep.include({ mode: EnvelopeMode.failure, passThrough: new Uint8Array(50).fill(9) });
    await transport.close();
  });
});
