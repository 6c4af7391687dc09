import { type Echo, oneByOne } from '../kernel/work.js';
import type { Effort, Measure, Question } from '../harness/question.js';
import { rate } from '../harness/rate.js';
import { onShutdown } from '../harness/shutdown.js';

/** Lookups of a name that is registered, one after the other, where the control plane is and over a Unix socket. */
export const lookup: Question = {
  slug: 'lookup',
  metric: 'lookups answered',
  unit: 'k/s',
  isMoreBetter: true,
  sizes: ['served here', 'over a link'],
  isWide: true,
  peer: 'millrace lookup',
  subjects: {
    'millrace lookup': async (effort: Effort, size: string): Promise<Measure> => {
      const measure = await rate(effort, oneByOne(await prepared(size)));
      return async () => 1_000 * Number(await measure());
    },
  },
};

async function prepared(size: string): Promise<Echo<number>> {
  const { behavior, Executor } = await import('millrace');
  const { Bench } = await import('../gen/bench.js');
  const net = { listen: 'unix:' } as const;
  const executors = [new Executor({ net }), new Executor({ net })];
  onShutdown(() => Promise.all(executors.map((executor) => executor.stop())));
  const [one, other] = executors;
  const control = await one?.start({ node: 'control' });
  const member = await other?.start({ node: 'member', ...(control && { controlPlane: control.controlPlane }) });
  if (control === undefined || member === undefined) throw new Error('two processes were started');
  const echo = behavior(Bench, { note: () => undefined, pass: () => undefined, echo: (_, { value }) => ({ value }) });
  await control.register('echo', control.spawn(echo));
  const from = size === 'served here' ? control : member;
  return {
    ask: async (value) => {
      await from.lookup(Bench, 'echo');
      return value;
    },
    valueOf: Number,
  };
}
