import { onShutdown } from '../harness/shutdown.js';
import { startProcess, startThread } from './far-end.js';
import type { Client } from './peer.js';
import { valueSubjects } from '../descriptors/subjects.js';
import type { Measure } from '../harness/question.js';
import { subjects } from './subjects.js';

/** Both ends of a subject. */
export interface Pair {
  readonly client: Client;
  /** Rejects with FarEndError when the far end exits. */
  readonly exited: Promise<never>;
  /** CPU time of both ends so far, in us. */
  cpuUs(): Promise<number>;
}

let pair: Promise<Pair> | undefined;

/** Both ends of the one subject of this process. Started by the first call. */
export function pairOf(subject: string): Promise<Pair> {
  pair ??= startPair(subject);
  return pair;
}

async function startPair(name: string): Promise<Pair> {
  const subject = subjects[name] ?? valueSubjects[name];
  if (subject === undefined) throw new Error(`there is no subject ${name}`);
  const peer = await subject.load();
  const far = await (subject.placement === 'process' ? startProcess(name) : startThread(name));
  const client = await Promise.race([peer.connect(far.address), far.exited]);
  onShutdown(async () => {
    await client.close();
    await far.end();
  });
  return {
    client,
    exited: far.exited,
    cpuUs: async () => {
      const { user, system } = process.cpuUsage();
      return user + system + (await far.cpuUs());
    },
  };
}

/** A run whose value is followed by the CPU time of both ends for each of `count` messages, in us. */
export function withCpu(pair: Pair, count: number, measure: () => Promise<number>): Measure {
  return async () => {
    const beforeUs = await pair.cpuUs();
    const value = await measure();
    return [value, ((await pair.cpuUs()) - beforeUs) / count];
  };
}
