import type { GroupPolicy } from 'millrace';
import type { Bench } from '../gen/bench.js';
import { type Echo, oneByOne } from '../kernel/work.js';
import type { Effort, Measure, Question } from '../harness/question.js';
import { rate } from '../harness/rate.js';
import { onShutdown } from '../harness/shutdown.js';

type Policy = GroupPolicy<typeof Bench> | undefined;
type Reply = { readonly value: number };

/** Asks to one actor, and to one of a group. */
export const askGroup: Question = {
  slug: 'ask-group',
  metric: 'asks answered, one at a time',
  unit: 'M/s',
  isMoreBetter: true,
  sizes: ['1 member', '64 members'],
  isWide: true,
  peer: 'millrace, direct',
  subjects: {
    'millrace, direct': asking(undefined),
    'millrace group, round-robin': asking('round-robin'),
    'millrace group, least-loaded': asking('least-loaded'),
    'millrace group, hash': asking({ hash: (request) => ('value' in request ? request.value : 0) }),
  },
};

/** Without a policy, the first member is asked directly. */
function asking(policy: Policy) {
  return async (effort: Effort, size: string): Promise<Measure> => rate(effort, oneByOne(await prepared(policy, size)));
}

async function prepared(policy: Policy, size: string): Promise<Echo<Reply>> {
  const { Runtime, behavior } = await import('millrace');
  const { Bench: service } = await import('../gen/bench.js');
  const runtime = await Runtime.start({ logLevel: 'silent' });
  onShutdown(() => runtime.stop());
  const echo = behavior(service, { note: () => undefined, pass: () => undefined, echo: (_, { value }) => ({ value }) });
  const refs = Array.from({ length: Number.parseInt(size, 10) }, () => runtime.spawn(echo));
  for (const ref of refs) await runtime.register('echo', ref, { group: true });
  const [first] = refs;
  if (policy === undefined && first !== undefined) {
    return { ask: (value) => first.echo({ value }), valueOf: ({ value }) => value };
  }
  const group = await runtime.group(service, 'echo', policy === undefined ? {} : { policy });
  return { ask: (value) => group.echo({ value }), valueOf: ({ value }) => value };
}
