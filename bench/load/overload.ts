import { setTimeout as sleep } from 'node:timers/promises';
import type { Effort, Measure, Question, Subject } from '../harness/question.js';
import { clientOf } from './client.js';
import { drained } from './drained.js';
import type { LoadClient } from './peer.js';
import { loadSubjects } from './subjects.js';

/** Deadline of an ask, in ms: about ten times the work. */
const DEADLINE_MS = 50;
/** Time between two looks at how many asks are due, in ms. */
const TICK_MS = 2;
/** Asks under way while the capacity is measured: the actor always has one, and none waits for long. */
const UNDER_WAY = 2;
const MIB = 1_024 * 1_024;

const asking = Object.entries(loadSubjects).filter(([name]) => !name.startsWith('zeromq'));
let capacity: Promise<number> | undefined;

/** Asks with deadlines, more than an actor can answer. What it answers in time, of what it can. */
export const overload: Question = {
  slug: 'overload',
  metric: 'asks answered within 50 ms, of the capacity',
  unit: '%',
  isMoreBetter: true,
  also: [
    { metric: 'asks worked at for nothing, of the capacity', unit: '%', isMoreBetter: false },
    { metric: 'memory of the process of the receiver', unit: 'MiB', isMoreBetter: false },
  ],
  sizes: ['1x', '2x', '5x', '10x'],
  isWide: true,
  peer: 'nact, one process',
  subjects: Object.fromEntries(asking.map(([name]) => [name, subjectOf(name)])),
};

function subjectOf(name: string): Subject {
  return async (effort, size) => {
    const { client, exited } = await clientOf(name);
    capacity ??= capacityOf(client, effort);
    const perSecond = await Promise.race([capacity, exited]);
    const measure = offered(client, perSecond, Number.parseFloat(size), effort);
    return () => Promise.race([measure(), exited]);
  };
}

/** Asks answered in a second when there is always one to work at. */
async function capacityOf(client: LoadClient, { runMs }: Effort): Promise<number> {
  const startedAtMs = performance.now();
  let answered = 0;
  const askOn = async (): Promise<void> => {
    do {
      if ((await client.ask?.(DEADLINE_MS)) === true) answered += 1;
    } while (performance.now() - startedAtMs < runMs);
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, askOn));
  return (Math.max(1, answered) * 1_000) / (performance.now() - startedAtMs);
}

/** Sends at its rate, whatever comes back. Every ask has settled at the end. */
function offered(client: LoadClient, capacityPerSecond: number, factor: number, { runMs }: Effort): Measure {
  return async () => {
    await drained(client);
    const asks: Promise<boolean | undefined>[] = [];
    const startedAtMs = performance.now();
    for (let passedMs = 0; passedMs < runMs; passedMs = performance.now() - startedAtMs) {
      const due = (passedMs * factor * capacityPerSecond) / 1_000;
      while (asks.length < due) asks.push(client.ask?.(DEADLINE_MS) ?? Promise.resolve(undefined));
      await sleep(TICK_MS);
    }
    const possible = (capacityPerSecond * (performance.now() - startedAtMs)) / 1_000;
    const answered = (await Promise.all(asks)).filter((isAnswered) => isAnswered === true).length;
    // What is still in the queue of a peer is worked at all the same.
    const { worked, peakBytes } = await drained(client);
    return [(100 * answered) / possible, (100 * Math.max(0, worked - answered)) / possible, peakBytes / MIB];
  };
}
