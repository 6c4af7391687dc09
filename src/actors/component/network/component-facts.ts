import { namedMessageOf } from '../../../foreign.js';
import type { Fact } from '../../kernel/index.js';
import type { Acquirer } from './acquire.js';
import type { KnownPool, PoolDirectory } from './pool-directory.js';
import type { RequestTrail } from './request-trails.js';
import type { ServedPool } from './served-pool.js';

/** Requests that are listed. */
const LISTED = 10;

/** What this process knows of a component that it serves: its containers, those who wait, and why there are no more. */
export function servedFacts({ component: { name }, pool, range, containers }: ServedPool): readonly Fact[] {
  const { starting, idle, busy, waiting, oldestWaitMs } = pool.counts();
  const numbers = { containers, starting, idle, busy, waiting, oldestWaitMs, min: range.min, max: range.max };
  const waits =
    waiting === 0 ? 'no request waits' : `${waiting} requests wait, the oldest for ${Math.round(oldestWaitMs)} ms`;
  const counted = `${starting} start, ${idle} are idle, ${busy} have a request`;
  return [
    {
      kind: 'component',
      subject: name,
      text: `This process serves "${name}" with ${containers} containers (from ${range.min} to ${range.max}): ${counted}; ${waits}.`,
      numbers,
      weight: waiting === 0 ? 0 : containers === 0 ? 60 : 40,
    },
    ...failedStart(name, pool.lastError, pool.startPauseMs),
  ];
}

function failedStart(subject: string, error: Error | undefined, pauseMs: number): readonly Fact[] {
  if (error === undefined) return [];
  const next =
    pauseMs === 0
      ? 'the next one may begin now'
      : `the next one begins in ${Math.round(pauseMs)} ms, and the pauses grow`;
  const text = `The last start of a container of "${subject}" has failed: ${namedMessageOf(error)} No container has handled a request since; ${next}.`;
  return [{ kind: 'container', subject, text, numbers: { pauseMs }, weight: 85 }];
}

/** What this process knows of a component that it calls: the pools of all processes, and which way its last requests took. */
export function calledFacts(
  subject: string,
  { pools }: PoolDirectory,
  { trails }: Acquirer,
  nowMs: number,
): readonly Fact[] {
  return [
    ...(pools.length === 0 ? [unserved(subject)] : pools.map((pool) => poolFact(subject, pool))),
    ...trails.all.slice(-LISTED).map((trail) => requestFact(subject, trail, nowMs)),
    ...(trails.all.length > 0 ? [] : [noRequest(subject)]),
  ];
}

function unserved(subject: string): Fact {
  const text = `No process of the network serves ${subject}, as far as this one knows. Call network.serve(component) in one.`;
  return { kind: 'pool', subject, text, weight: 65 };
}

function noRequest(subject: string): Fact {
  const text = `This process has made no request of ${subject} since it has been watched, which it is for 10 s from now on: make one, and ask again.`;
  return { kind: 'request', subject, text };
}

function poolFact(subject: string, pool: KnownPool): Fact {
  const { distance, containers, idle, waiting } = pool;
  const text = `From here ${String(pool)} is asked ${ORDER[distance]}: ${idle} are idle, and ${waiting} requests wait.`;
  return { kind: 'pool', subject, text, numbers: { containers, idle, waiting } };
}

const ORDER = {
  process: 'first, by direct calls',
  node: 'next, over a link on this node',
  network: 'then, over a link to another node',
  gateway: 'last, because it leads to other networks',
} as const;

const WAYS = {
  process: 'by direct call',
  node: 'over a link on this node',
  network: 'over a link to another node',
  gateway: 'through a gateway',
} as const;

function requestFact(subject: string, { what, atMs, waitedMs, refusals, from }: RequestTrail, nowMs: number): Fact {
  const [agoMs, waited] = [nowMs - atMs, Math.round(waitedMs)];
  const got =
    from === undefined
      ? `found no container in ${waited} ms`
      : `got its container after ${waited} ms ${WAYS[from.distance]}, from ${from.pool}${from.partition === undefined ? '' : `, in partition ${from.partition}`}`;
  const before = refusals.map(({ pool, why }) => `${pool}: ${why}`).join('; ');
  const why = before === '' ? '' : ` Not taken: ${before}.`;
  return {
    kind: 'request',
    subject,
    text: `${what}, ${Math.round(agoMs)} ms ago, ${got}.${why}`,
    numbers: { agoMs, waitedMs, refusals: refusals.length },
    weight: from === undefined ? 45 : refusals.length > 0 ? 35 : 0,
  };
}
