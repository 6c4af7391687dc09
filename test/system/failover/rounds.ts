import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import type { Audit } from './audit.js';
import { Fleet } from './fleet.js';
import { PLACER } from './nodes.js';
import { randomFrom } from './random.js';

/** Which process is killed in a round. */
export const ROLES = ['leader', 'candidate', 'placer', 'holder', 'member'] as const;
type Role = (typeof ROLES)[number];

/** The load goes on for so long at most before the kill, in ms. */
const LOAD_MS = 400;
/** A cluster that has not recovered after this time hangs. */
const HANG_MS = 180_000;

export interface Recovery {
  readonly role: Role;
  /** From the kill until each process that lives has looked a name up and placed an actor, in ms. */
  readonly servesMs: number;
  /** From the kill until all four are ready again, the new process with them, in ms. */
  readonly readyMs: number;
}

export interface Rounds {
  readonly recoveries: readonly Recovery[];
  readonly audit: Audit;
}

export interface RoundsOptions {
  /** Address of the cluster store, or `embedded`. */
  readonly store: string;
  readonly rounds: number;
  readonly seed: number;
}

/** Kills one of four processes under load in each round, starts another one in its place, and compares in the end what was sent with what has arrived. */
export async function runRounds({ store, rounds, seed }: RoundsOptions): Promise<Rounds> {
  const random = randomFrom(seed);
  const fleet = new Fleet(store);
  const recoveries: Recovery[] = [];
  try {
    await fleet.start();
    for (let round = 0; round < rounds; round += 1) {
      // Each role in turn, so that few rounds have them all.
      const role = ROLES[round % ROLES.length] ?? 'member';
      await setTimeout(random() * LOAD_MS);
      recoveries.push(await inTime(fleet, recovery(fleet, role, await victimOf(fleet, role, random))));
    }
    const audit = await fleet.finish();
    await fleet.stop();
    return { recoveries, audit };
  } catch (error) {
    throw new Error(`SEED=${seed}, round ${recoveries.length}: ${String(error)}`, { cause: error });
  } finally {
    await fleet.close();
  }
}

async function victimOf(fleet: Fleet, role: Role, random: () => number): Promise<string> {
  const any = (nodes: readonly string[]): string => nodes[Math.floor(random() * nodes.length)] ?? '';
  switch (role) {
    case 'leader':
      return fleet.leader();
    case 'candidate': {
      const leader = await fleet.leader();
      return any(fleet.nodes.filter((node) => node !== leader));
    }
    case 'placer':
      return PLACER;
    case 'holder':
      return fleet.holder();
    case 'member':
      return any(fleet.nodes);
  }
}

/** Rejects with what each process says of itself when the work takes too long. */
async function inTime<T>(fleet: Fleet, work: Promise<T>): Promise<T> {
  const over = new AbortController();
  const late = setTimeout(HANG_MS, undefined, { signal: over.signal }).then(async () => {
    const states = await Promise.all(fleet.nodes.map((node) => fleet.state(node)));
    throw new Error(`the cluster has not recovered: ${JSON.stringify(states)}`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    over.abort();
    late.catch(() => {});
  }
}

async function recovery(fleet: Fleet, role: Role, victim: string): Promise<Recovery> {
  const fromMs = performance.now();
  await fleet.kill(victim);
  const others = fleet.nodes;
  const serving = Promise.all(others.map((node) => fleet.probe(node))).then(() => performance.now() - fromMs);
  await fleet.begin(victim);
  const servesMs = await serving;
  await Promise.all(fleet.nodes.map((node) => fleet.joined(node)));
  return { role, servesMs, readyMs: performance.now() - fromMs };
}

/** What holds for all rounds. */
export function expectSound({ audit: { faults, counts, takenByKilled } }: Rounds): void {
  expect(faults.slice(0, 20), `faults, of ${faults.length}`).to.deep.equal([]);
  for (const what of ['told', 'asked', 'reply', 'sank', 'ran ok']) expect(counts[what], what).to.be.greaterThan(0);
  // Those that lay in a mailbox, or on the way to it, in the moment of the kill: more where the processor is busy.
  expect(takenByKilled).to.be.at.most((counts['tell'] ?? 0) / 2);
}

/** The longest time of each role, as a line. */
export function summaryOf({ recoveries, audit: { counts, takenByKilled } }: Rounds): string {
  const longest = ROLES.map((role) => {
    const times = recoveries.filter((each) => each.role === role);
    const most = (of: (each: Recovery) => number): string => (Math.max(0, ...times.map(of)) / 1_000).toFixed(1);
    return `${role} ${most(({ servesMs }) => servesMs)}/${most(({ readyMs }) => readyMs)}`;
  });
  return `longest time to serve/to be ready, in s: ${longest.join(', ')}; taken by killed: ${takenByKilled}; ${JSON.stringify(counts)}`;
}
