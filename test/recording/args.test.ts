import { expect } from 'chai';
import { type ActorRef, type Behavior, behavior } from '#src/actors/kernel/index.js';
import { Executor, pipeline } from '#src/actors/runtime/index.js';
import { bytesCodable } from '#src/descriptors/index.js';
import { ConfigError } from '#src/errors.js';
import type { v1 } from '#src/protocol/on-demand/index.js';
import { actorNamed, readRecording, Recorder, replay } from '#src/recording/index.js';
import { Errands } from '../actors/transport/errands.js';
import { rejection } from '../support/rejection.js';

const idle = { push: () => {}, urge: () => {}, rush: () => ({}) };

/** Runs one actor, which is asked twice and restarts in between, and returns what was recorded of it. */
async function recordedRun<Args>(
  made: Behavior<typeof Errands, unknown, Args>,
  argsOf: (helper: ActorRef<typeof Errands>) => Args,
): Promise<readonly v1.RecordedEvent[]> {
  const pieces: Uint8Array[] = [];
  const recorder = new Recorder({ actors: ['shop'], write: (bytes) => void pieces.push(bytes), header: {} });
  const executor = new Executor({ seed: 5, interceptor: recorder });
  const runtime = await executor.start({ node: 'node-0' });
  const helper = runtime.spawn(behavior(Errands, { ...idle, run: () => ({ value: 1 }) }));
  const ref = runtime.spawn<typeof Errands, unknown, unknown>(made, { name: 'shop', args: argsOf(helper) });
  await ref.run({ value: 2 });
  ref.push({ value: 1 });
  await ref.run({ value: 3 });
  await executor.stop();
  return actorNamed(readRecording(Buffer.concat(pieces)), 'shop').events;
}

describe('a pipeline with values', () => {
  it('is not run with a recording, which could not have them', async () => {
    const recorder = new Recorder({ actors: ['values/check/0'], write: () => {}, header: {} });
    const executor = new Executor({ seed: 5, interceptor: recorder });
    const runtime = await executor.start({ node: 'node-0' });
    const run = await runtime.run(
      pipeline('values', undefined, (p) => {
        const born = p.source('make', bytesCodable, (output) => output.write(Uint8Array.of(1)));
        p.sink('check', born, () => {});
      }),
    );
    const message = 'Port "make" has values of the codable millrace.Uint8Array: they cannot be recorded or replayed';
    expect(String(await rejection(run.done))).to.include(message);
    await executor.stop();
  });
});

describe('the args of a recorded actor', () => {
  it('are recorded, at each start, and make the state of the replay', async () => {
    const shop = behavior(Errands, {
      ...idle,
      state: (_ctx, args: { readonly prices: ReadonlyMap<string, bigint>; readonly opened: Date | undefined }) => ({
        total: Number(args.prices.get('tea')) + (args.opened?.getTime() ?? 0),
      }),
      push: () => {
        throw new Error('it restarts');
      },
      run: (state, { value }) => ({ value: (state.total += value) }),
    });
    const prices = new Map([['tea', 4n]]);
    const events = await recordedRun(shop, () => ({ prices, opened: new Date(1_000) }));
    expect(await replay(shop, events)).to.equal(undefined);
    expect(events.filter(({ event }) => event.case === 'start')).to.have.length(2);
    const changed = behavior(Errands, { ...idle, run: () => ({ value: 1 }) });
    expect((await replay(changed, events))?.recorded?.case).to.equal('outcome');
  });

  it('keep the references of the wire', async () => {
    const shop = behavior(Errands, {
      ...idle,
      state: (ctx, args: { readonly helper: ReturnType<ActorRef<typeof Errands>['toRef']> }) =>
        ctx.ref(Errands, args.helper),
      run: (helper, request) => helper.run(request),
    });
    const events = await recordedRun(shop, (helper) => ({ helper: helper.toRef() }));
    expect(await replay(shop, events)).to.equal(undefined);
  });

  const kept: Readonly<Record<string, unknown>> = {
    'args.of[1].helper': { of: [1, { helper: () => {} }] },
    'args.store': { store: new (class Store {})() },
    args: Symbol('a'),
  };
  for (const [path, args] of Object.entries(kept)) {
    it(`are named where they are no plain data, as ${path}, and can be given`, async () => {
      let starts = 0;
      const shop = behavior(Errands, {
        ...idle,
        state: (_ctx, given: unknown) => {
          starts++;
          return given;
        },
        run: (given) => ({ value: given === args ? 1 : 2 }),
      });
      const events = await recordedRun<unknown>(shop, () => args);
      starts = 0;
      expect(await rejection(replay(shop, events)))
        .to.be.instanceOf(ConfigError)
        .with.property('message')
        .that.contains(`because ${path} is not plain data`);
      expect(starts).to.equal(0);
      expect(await replay(shop, events, { args })).to.equal(undefined);
    });
  }

  it('that are a reference are named too', async () => {
    const shop = behavior(Errands, {
      ...idle,
      state: (_ctx, args: { readonly helper: ActorRef<typeof Errands> }) => args.helper,
      run: (helper, request) => helper.run(request),
    });
    const events = await recordedRun(shop, (helper) => ({ helper }));
    expect(await rejection(replay(shop, events)))
      .to.be.instanceOf(ConfigError)
      .with.property('message')
      .that.contains('args.helper is not plain data');
  });
});
