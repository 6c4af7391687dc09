import type { Ref } from 'nact';
import type { Question, Subject } from '../harness/question.js';

/** From before the import to the first reply of an actor, in a fresh process: the delay that embedding adds to the start of a service. */
export const start: Question = {
  slug: 'start',
  metric: 'time to the first reply',
  unit: 'ms',
  isMoreBetter: false,
  sizes: ['fresh process'],
  isFresh: true,
  runs: 7,
  peer: 'nact',
  subjects: {
    'millrace typed': timed((value) => askMillrace(value, 'warn')),
    'millrace typed, logging': timed((value) => askMillrace(value, 'info')),
    nact: timed(async (value) => {
      const { dispatch, query, spawnStateless, start: startSystem } = await import('nact');
      const ref = spawnStateless(
        startSystem(),
        (m: { value: number; from: Ref<number> }) => dispatch(m.from, m.value),
        'echo',
      );
      return Number(await query(ref, (from) => ({ value, from }), 1_000));
    }),
    comedy: timed(async (value) => {
      const { createSystem } = await import('comedy');
      const actor = await (await createSystem({}).rootActor()).createChild({ echo: (asked: number) => asked });
      return Number(await actor.sendAndReceive('echo', value));
    }),
  },
};

async function askMillrace(value: number, logLevel: 'info' | 'warn'): Promise<number> {
  const { Runtime, behavior } = await import('millrace');
  const { Bench } = await import('../gen/bench.js');
  const runtime = await Runtime.start({ logLevel });
  const echo = behavior(Bench, { note: () => undefined, pass: () => undefined, echo: (_, asked) => asked });
  return (await runtime.spawn(echo).echo({ value })).value;
}

function timed(firstAsk: (value: number) => Promise<number>): Subject {
  return () =>
    Promise.resolve(async () => {
      const startedAtMs = performance.now();
      const reply = await firstAsk(42);
      const tookMs = performance.now() - startedAtMs;
      if (reply !== 42) throw new Error(`the reply to 42 was ${reply}`);
      return tookMs;
    });
}
