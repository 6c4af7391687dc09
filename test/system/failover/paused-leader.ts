import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { LEADER_KEY } from '#src/actors/control-plane/election.js';
import { Runtime } from '#src/actors/runtime/index.js';
import { leaseIn, openClusterStore } from '#src/cluster-store/index.js';
import { silentLogger } from '#src/logging/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { errandRunner, Errands } from '../../actors/runtime/errand-runner.js';
import { millraceRejection } from '../../support/rejection.js';
import type { Audit } from './audit.js';
import { Fleet } from './fleet.js';

/** Longer than everything here takes, also on a machine that is busy: what is answered at its end was not served. */
const WAIT_MS = 300_000;

/** As many leaders may lose their lease one after another while this machine is busy. */
const LOST_IN_A_ROW = 5;

/**
 * Stops the process that serves the control plane (SIGSTOP) until another one serves, and lets it go on (SIGCONT). A runtime that knows the first one
 * only has asked it meanwhile: those requests lie in its sockets, and it reads them before it learns of anything else.
 */
export async function pauseLeader(store: string): Promise<Audit> {
  const fleet = new Fleet(store);
  let stranger: Runtime | undefined;
  try {
    await fleet.start();
    const { leader, runtime } = await joinedToLeader(fleet);
    stranger = runtime;
    const others = fleet.nodes.filter((node) => node !== leader);
    const ghost = stranger.spawn(errandRunner());
    await stranger.lookup(Errands, 'desk-one');
    const before = await epochIn(fleet.store);

    fleet.signal(leader, 'SIGSTOP');
    const unfound = millraceRejection(stranger.lookup(Errands, 'desk-one', { timeoutMs: WAIT_MS }));
    const unregistered = millraceRejection(stranger.register('ghost', ghost));
    const state = fleet.state(leader);
    await fleet.leader(others);
    await Promise.all(others.map((node) => fleet.probe(node)));
    expect(await epochIn(fleet.store), 'epoch').to.be.greaterThan(before);

    fleet.signal(leader, 'SIGCONT');
    expect((await state).isServing, 'it serves with a lease that has ended').to.equal(false);
    await Promise.all(fleet.nodes.map((node) => fleet.joined(node)));
    await stranger.stop();
    const [notFound, notRegistered] = await Promise.all([unfound, unregistered]);
    expect(notFound.code, notFound.message).to.be.oneOf(['UNREACHABLE', 'STOPPED']);
    // It waits for `controlPlaneTimeoutMs`, which may be over before the others serve: nobody declares a stopped process dead.
    expect(notRegistered.code, notRegistered.message).to.be.oneOf(['UNREACHABLE', 'STOPPED', 'ASK_TIMEOUT']);
    for (const node of fleet.nodes) expect(await fleet.finds(node, 'ghost')).to.equal(false);
    const audit = await fleet.finish();
    await fleet.stop();
    return audit;
  } finally {
    await stranger?.stop();
    await fleet.close();
  }
}

/**
 * A runtime that knows only the process that serves the control plane. Where a write to the disk has taken longer than the lease meanwhile, another
 * process serves by then: it begins again with that one.
 */
async function joinedToLeader(fleet: Fleet): Promise<{ readonly leader: string; readonly runtime: Runtime }> {
  for (let tries = 1; ; tries += 1) {
    const leader = await fleet.leader();
    const { controlPlane } = await fleet.state(leader);
    const isServing = async (): Promise<boolean> => (await fleet.state(leader)).isServing;
    try {
      const runtime = await Runtime.start({ controlPlane, keyless: 'loopback', ucx: 'off', log: silentLogger });
      if (await isServing()) return { leader, runtime };
      await runtime.stop();
    } catch (error) {
      if (await isServing()) throw error;
    }
    expect(tries, 'leaders that have lost their lease in a row').to.be.lessThan(LOST_IN_A_ROW);
  }
}

/** What became of a leader that computes. */
export interface BusyLeader {
  readonly audit: Audit;
  /** How often it did not serve afterwards. */
  readonly lost: number;
}

/**
 * Has the process that serves the control plane compute for `ms`, `times` times, while as many others compute as there are processors. Where its
 * lease has ended meanwhile, another process serves, and it does not.
 */
export async function busyLeader(store: string, ms: number, times: number): Promise<BusyLeader> {
  const fleet = new Fleet(store);
  const loops = Array.from({ length: availableParallelism() }, () => new Worker('for (;;);', { eval: true }));
  let lost = 0;
  try {
    await fleet.start();
    for (let time = 0; time < times; time += 1) {
      const leader = await fleet.leader();
      const before = await epochIn(fleet.store);
      await fleet.compute(leader, ms);
      const { isServing } = await fleet.state(leader);
      if (isServing) continue;
      lost += 1;
      await fleet.leader(fleet.nodes);
      expect(await epochIn(fleet.store), 'epoch').to.be.greaterThan(before);
    }
    await Promise.all(fleet.nodes.map((node) => fleet.joined(node)));
    const audit = await fleet.finish();
    await fleet.stop();
    return { audit, lost };
  } finally {
    await Promise.all(loops.map((loop) => loop.terminate()));
    await fleet.close();
  }
}

/** The epoch of the control plane, as the store has it. */
async function epochIn(address: string): Promise<number> {
  const store = await openClusterStore(address, new RealScheduler());
  try {
    return Number(leaseIn(await store.get(LEADER_KEY), LEADER_KEY)?.epoch ?? 0n);
  } finally {
    await store.close();
  }
}
