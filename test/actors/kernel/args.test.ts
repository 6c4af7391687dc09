import { expect } from 'chai';
import { ActorSystem, type AnyBehavior, behavior, untypedBehavior } from '#src/actors/kernel/index.js';
import { Executor } from '#src/actors/runtime/index.js';
import { ConfigError } from '#src/errors.js';
import { memoryLogger } from '#src/logging/index.js';
import { VirtualScheduler } from '#src/scheduler/index.js';
import { simulate } from '#src/simulation/index.js';
import { planOf, workloadOf } from '../../simulation/harness.js';
import { Errands } from '../transport/errands.js';
import { until } from '../../support/until.js';
import { closeSystems, testSystem } from './harness.js';
import { Worker } from './shop.js';

interface Limits {
  readonly limit: number;
}

/** Replies with its limit; a tell adds to it, and a negative one fails. */
const account = behavior(Worker, {
  state: (_ctx, { limit }: Limits) => ({ limit }),
  push: (state, { value }) => {
    if (value < 0) throw new Error('negative');
    state.limit += value;
  },
  work: ({ limit }) => ({ value: limit }),
});

const idle = { push: () => {}, work: () => ({}) };

describe('the args of a spawn', () => {
  afterEach(closeSystems);

  it('make the state of each actor of one behavior', async () => {
    const { system } = testSystem();
    const refs = [1, 2, 3].map((limit) => system.spawn(account, { args: { limit } }));
    const replies = await Promise.all(refs.map((ref) => ref.work({})));
    expect(replies).to.deep.equal([{ value: 1 }, { value: 2 }, { value: 3 }]);
  });

  it('make the state again after a restart, from the same value', async () => {
    const { system } = testSystem();
    const seen: unknown[] = [];
    const ref = system.spawn(
      behavior(Worker, {
        state: (_ctx, args: Limits) => {
          seen.push(args);
          return { left: args.limit };
        },
        push: (state, { value }) => {
          state.left -= value;
          if (state.left < 0) throw new Error('overdrawn');
        },
        work: ({ left }) => ({ value: left }),
      }),
      { args: { limit: 10 } },
    );
    ref.push({ value: 4 });
    expect(await ref.work({})).to.deep.equal({ value: 6 });
    ref.push({ value: 7 });
    expect(await ref.work({})).to.deep.equal({ value: 10 });
    expect(seen).to.have.length(2);
    expect(seen[0]).to.equal(seen[1]);
  });

  it('reach children', async () => {
    const { system } = testSystem();
    const parent = system.spawn(
      behavior(Worker, {
        state: (ctx, { limit }: Limits) => ctx.spawn(account, { args: { limit: limit * 2 } }),
        push: () => {},
        work: (child) => child.work({}),
      }),
      { args: { limit: 4 } },
    );
    expect(await parent.work({})).to.deep.equal({ value: 8 });
  });

  it('reach the state of actors that are traced', async () => {
    const scheduler = new VirtualScheduler({ seed: 1 });
    let handled = 0;
    const system = new ActorSystem({
      name: 'traced',
      scheduler,
      logger: memoryLogger(),
      cUids: () => 1n,
      tracing: {
        call: (_method, _inherited, send) => send(undefined),
        handle: (_method, _actor, _trace, run) => {
          handled++;
          return run();
        },
        detached: (run) => run(),
      },
    });
    expect(await system.spawn(account, { args: { limit: 3 } }).work({})).to.deep.equal({ value: 3 });
    expect(handled).to.equal(1);
    await system.shutdown();
  });

  it('reach the state of actors that a runtime starts and registers', async () => {
    const executor = new Executor({ seed: 3 });
    const runtime = await executor.start({ node: 'node-0' });
    runtime.spawn(account, { name: 'acme', register: true, args: { limit: 5 } });
    expect(await (await runtime.lookup(Worker, 'acme')).work({})).to.deep.equal({ value: 5 });
    await executor.stop();
  });

  it('reach the state of actors of a simulation, and of their children', async () => {
    const rest = { push: () => {}, urge: () => {}, rush: () => ({}) };
    const offset = behavior(Errands, { ...rest, state: (_ctx, add: number) => add, run: (value) => ({ value }) });
    const parent = behavior(Errands, {
      ...rest,
      state: (ctx, args: number) => ctx.spawn(offset, { args }),
      run: (child, request) => child.run(request),
    });
    const answers: unknown[] = [];
    const work = workloadOf(async ({ nodes: [node] }) => {
      answers.push(await node?.spawn(parent, { args: 3 }).run({ value: 1 }));
    });
    expect((await simulate(work, planOf())).violations).to.deep.equal([]);
    expect(answers).to.have.length(1);
    expect(answers[0]).to.include({ value: 3 });
  });

  it('may be any value, and undefined where they are given so', async () => {
    const { system } = testSystem();
    const seen: unknown[] = [];
    const looking = behavior(Worker, { ...idle, state: (_ctx, args: unknown) => void seen.push(args) });
    for (const args of [0, '', null, undefined, false]) system.spawn(looking, { args });
    await until(() => seen.length === 5);
    expect(seen).to.deep.equal([0, '', null, undefined, false]);
  });

  describe('in plain JavaScript', () => {
    const spawned = (made: AnyBehavior, options: object) => () => void testSystem().system.spawn(made, options);
    const taking = untypedBehavior(Worker, { ...idle, state: (_ctx: unknown, args: unknown) => args });
    const refusals: readonly (readonly [string, () => void, string])[] = [
      ['are missing', spawned(taking, {}), 'takes args, and the spawn gives none: spawn(behavior, { args: ... })'],
      ['are the options', spawned(taking, { limit: 1 }), 'spawn has no option limit. It has name, cUid, args'],
      ['go to a behavior without state', spawned(untypedBehavior(Worker, idle), { args: 1 }), 'takes no args'],
      [
        'go to a state that takes none',
        spawned(untypedBehavior(Worker, { ...idle, state: () => 1 }), { args: { limit: 1 } }),
        'takes no args: leave them out, or take them in its state: state: (ctx, args) => ...',
      ],
    ];
    for (const [what, spawn, message] of refusals) {
      it(`are refused with ConfigError where they ${what}`, () => {
        expect(spawn).to.throw(ConfigError, message);
      });
    }

    it('may be left out where the parameter has a default value', async () => {
      const { system } = testSystem();
      const ref = system.spawn(
        untypedBehavior(Worker, {
          push: () => {},
          work: (value: unknown) => ({ value }),
          state: (_ctx: unknown, given: unknown = 7) => given,
        }),
      );
      expect(await ref.work({})).to.deep.equal({ value: 7 });
    });
  });
});
