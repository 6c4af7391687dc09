import { type Echo, oneByOne } from '../kernel/work.js';
import type { Effort, Measure, Question } from '../harness/question.js';
import { rate } from '../harness/rate.js';
import { onShutdown } from '../harness/shutdown.js';

type Reply = { readonly value: number };

/** Requests to a component: to its container itself, and by the network, which gets the container from its pool first. */
export const askComponent: Question = {
  slug: 'ask-component',
  metric: 'requests answered, one at a time',
  unit: 'M/s',
  isMoreBetter: true,
  sizes: ['same thread', 'another thread'],
  isWide: true,
  peer: 'millrace, container asked directly',
  subjects: { 'millrace, container asked directly': asking(false), 'millrace network': asking(true) },
};

function asking(byNetwork: boolean) {
  return async (effort: Effort, size: string): Promise<Measure> =>
    rate(effort, oneByOne(await prepared(byNetwork, size === 'another thread')));
}

async function prepared(byNetwork: boolean, onThread: boolean): Promise<Echo<Reply>> {
  const { componentNetwork, Runtime } = await import('millrace');
  const { Bench } = await import('../gen/bench.js');
  const { echo } = await import('./waiter.js');
  const runtime = await Runtime.start({
    logLevel: 'silent',
    ...(onThread ? { partitions: 2, placement: 'thread' as const } : {}),
  });
  onShutdown(() => runtime.stop());
  if (!byNetwork) {
    const ref = await runtime.place(echo);
    return { ask: (value) => ref.echo({ value }), valueOf: ({ value }) => value };
  }
  const network = componentNetwork(runtime);
  await network.serve(echo);
  const client = await network.client(Bench);
  return { ask: (value) => client.echo({ value }), valueOf: ({ value }) => value };
}
