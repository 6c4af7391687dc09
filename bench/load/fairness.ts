import type { Effort, Measure, Question, Subject } from '../harness/question.js';
import { clientOf } from './client.js';
import { drained } from './drained.js';
import type { LoadClient, Manner } from './peer.js';
import { loadSubjects } from './subjects.js';
import { SENDERS } from './work.js';

/** Tells of one sender before the others have their turn. */
const BURST = 50;
const MIB = 1_024 * 1_024;

const telling = Object.entries(loadSubjects).filter(([name]) => !name.startsWith('grpc'));

/** Eight senders tell one slow actor messages of 1 KiB: which share each gets, and what becomes of the messages. */
export const fairness: Question = {
  slug: 'fairness',
  metric: 'fairness among 8 senders, Jain (1: equal shares)',
  unit: 'index',
  isMoreBetter: true,
  also: [
    { metric: 'tells handled', unit: 'thousand a second', isMoreBetter: true },
    { metric: 'accepted tells neither handled nor reported', unit: '%', isMoreBetter: false },
    { metric: 'memory of the process of the receiver', unit: 'MiB', isMoreBetter: false },
  ],
  sizes: ['wait for ready', 'until refused'],
  isWide: true,
  peer: 'zeromq, tcp',
  subjects: Object.fromEntries(telling.map(([name]) => [name, subjectOf(name)])),
};

function subjectOf(name: string): Subject {
  return async (effort, size) => {
    const { client, exited } = await clientOf(name);
    const measure = flood(client, size === 'wait for ready' ? 'polite' : 'rude', effort);
    return () => Promise.race([measure(), exited]);
  };
}

/** All senders send as much as they can. Shares are counted when they end, losses when all that was accepted has been handled. */
function flood(client: LoadClient, manner: Manner, { runMs }: Effort): Measure {
  return async () => {
    await drained(client);
    client.reported();
    const startedAtMs = performance.now();
    const endMs = startedAtMs + runMs;
    const sent = await Promise.all(
      Array.from({ length: SENDERS }, (_, sender) => sendAll(client, sender, manner, endMs)),
    );
    const during = await client.balance();
    const tookMs = performance.now() - startedAtMs;
    const after = await drained(client);
    const accepted = sum(sent);
    const handled = sum(during.taken);
    const lost = Math.max(0, accepted - handled - sum(after.taken) - client.reported());
    const peakBytes = Math.max(during.peakBytes, after.peakBytes);
    return [jain(during.taken), handled / tookMs, (100 * lost) / Math.max(1, accepted), peakBytes / MIB];
  };
}

/** Resolves to the number of tells that were accepted. */
async function sendAll(client: LoadClient, sender: number, manner: Manner, endMs: number): Promise<number> {
  let accepted = 0;
  while (performance.now() < endMs) {
    for (let burst = 0; burst < BURST && performance.now() < endMs; burst += 1) {
      const sent = client.tell?.(sender, manner) ?? false;
      const isAccepted = typeof sent === 'boolean' ? sent : await within(sent, endMs);
      if (!isAccepted) break;
      accepted += 1;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return accepted;
}

/** What waits for room was accepted: a sender that still waits at the end has sent. */
async function within(sent: Promise<boolean>, endMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<true>((resolve) => {
    timer = setTimeout(() => resolve(true), Math.max(0, endMs - performance.now()));
  });
  try {
    return await Promise.race([sent, end]);
  } finally {
    clearTimeout(timer);
  }
}

/** Equal shares have 1, everything for one of n has 1/n. */
function jain(shares: readonly number[]): number {
  const squares = sum(shares.map((share) => share ** 2));
  return squares === 0 ? 0 : sum(shares) ** 2 / (shares.length * squares);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
