import { expect } from 'chai';
import fc from 'fast-check';
import { LeaseMachine } from '#src/cluster-store/lease/lease-machine.js';
import type { LeaseRecord } from '#src/cluster-store/lease/lease-record.js';

/** One process: its machine, its clock, and the answers of the store that are on their way to it. */
interface Process {
  machine: LeaseMachine;
  /** The clock of this process is so far ahead. */
  readonly aheadMs: number;
  /** Nothing of it runs before. */
  stoppedUntilMs: number;
  readonly pending: { readonly atMs: number; readonly deliver: () => void }[];
}

const TTL_MS = 1_000;
const END_MS = 20_000;

/** What happens to one call of a process. */
const fault = fc.record({ delay: fc.nat(400), isLost: fc.boolean(), isAnswerLost: fc.boolean(), stop: fc.nat(40) });

describe('a lease, as a state machine', () => {
  it('has never two holders at a time, and each has a larger number, however the store and the processes fail', () => {
    const processes = fc.array(fc.nat(5_000), { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(processes, fc.array(fault, { minLength: 20, maxLength: 60 }), (ahead, faults) => {
        expect(run(ahead, faults)).to.be.at.least(0);
      }),
      { numRuns: 60 },
    );
  });

  it('is got and kept where nothing fails', () => {
    expect(run([0, 17], [{ delay: 1, isLost: false, isAnswerLost: false, stop: 1 }])).to.equal(1);
  });

  it('is kept by a process that stands still for half of its time, whenever that begins, and not by one that does for all of it', () => {
    fc.assert(
      fc.property(fc.nat(3 * TTL_MS), fc.nat(30), (fromMs, delayMs) => {
        expect(standStill(fromMs, TTL_MS / 2, delayMs), 'half').to.equal(true);
        expect(standStill(fromMs, TTL_MS, delayMs), 'all').to.equal(false);
      }),
    );
  });

  it('looks each second whether the process that holds a lease has ended, however long the lease is', () => {
    let isGone = false;
    const terms = { holder: new Uint8Array(), ttlMs: TTL_MS, token: 'own', owner: 'own', after: 0n };
    const machine = new LeaseMachine(terms, () => isGone);
    const record = { ...terms, ttlMs: 600_000, token: 'other', owner: 'other', epoch: 3n, isTaken: true };
    machine.saw(1, record, 0);
    expect(machine.next(0)).to.deep.equal({ do: 'wait', untilMs: 1_000 });
    expect(machine.next(1_000).do).to.equal('look');
    isGone = true;
    machine.saw(1, record, 1_000);
    expect(machine.next(1_000)).to.include({ do: 'write', expected: 1 });
  });
});

describe('a lease whose record vanishes', () => {
  const terms = { holder: new Uint8Array(), ttlMs: TTL_MS, token: 'own', owner: '', after: 0n };
  const other: LeaseRecord = { ...terms, token: 'other', epoch: 7n, isTaken: true };

  it('is written again by its holder, with its epoch', () => {
    const machine = new LeaseMachine(terms, () => false);
    machine.saw(undefined, undefined, 0);
    machine.wrote({ ...terms, epoch: 1n, isTaken: true }, 5, 0);
    machine.refused(undefined, undefined, 400);
    expect(machine.isHeld(400)).to.equal(true);
    expect(machine.next(400)).to.deep.include({ do: 'write', expected: undefined });
    machine.refused(9, other, 401);
    expect(machine.next(401)).to.deep.equal({ do: 'end', why: 'taken' });
  });

  it('is not taken before its time is over, and its epoch is not used again', () => {
    const machine = new LeaseMachine(terms, () => false);
    machine.saw(3, other, 0);
    machine.saw(undefined, undefined, 100);
    expect(machine.next(100).do).to.equal('wait');
    machine.saw(undefined, undefined, 100 + TTL_MS);
    const step = machine.next(100 + TTL_MS);
    expect(step).to.include({ do: 'write', expected: undefined });
    expect(step.do === 'write' ? step.record.epoch : undefined).to.equal(8n);
  });

  it('has a larger epoch than the process knew before, in a store that has nothing', () => {
    const machine = new LeaseMachine({ ...terms, after: 41n }, () => false);
    machine.saw(undefined, undefined, 0);
    const step = machine.next(0);
    expect(step.do === 'write' ? step.record.epoch : undefined).to.equal(42n);
  });
});

/** Runs the processes against one store. Returns how often the lease was got. */
function run(
  ahead: readonly number[],
  faults: readonly { delay: number; isLost: boolean; isAnswerLost: boolean; stop: number }[],
): number {
  let stored: { revision: number; record: LeaseRecord } | undefined;
  let steps = 0;
  let tokens = 0;
  let lastEpoch = 0n;
  let got = 0;
  const started = (): LeaseMachine =>
    new LeaseMachine(
      { holder: new Uint8Array(), ttlMs: TTL_MS, token: String(tokens++), owner: '', after: 0n },
      () => false,
    );
  const all: Process[] = ahead.map((aheadMs) => ({
    machine: started(),
    aheadMs,
    stoppedUntilMs: 0,
    pending: [],
  }));
  for (let nowMs = 0; nowMs < END_MS; nowMs += 10) {
    for (const one of all) step(one, nowMs);
    const holders = all.filter(({ machine, aheadMs }) => machine.isHeld(nowMs + aheadMs));
    expect(holders.length, `holders at ${nowMs} ms`).to.be.at.most(1);
  }
  return got;

  function step(one: Process, nowMs: number): void {
    if (nowMs < one.stoppedUntilMs) return;
    const { machine } = one;
    const due = one.pending.filter(({ atMs }) => atMs <= nowMs);
    for (const answer of due) {
      one.pending.splice(one.pending.indexOf(answer), 1);
      answer.deliver();
    }
    if (one.pending.length > 0) return;
    const local = nowMs + one.aheadMs;
    const next = machine.next(local);
    if (next.do === 'wait') return;
    if (next.do === 'end') {
      one.machine = started();
      return;
    }
    const { delay, isLost, isAnswerLost, stop } = faults[steps++ % faults.length] ?? {
      delay: 0,
      isLost: false,
      isAnswerLost: false,
      stop: 1,
    };
    if (stop === 0) one.stoppedUntilMs = nowMs + 2 * TTL_MS;
    const failed = (): void => machine.failed(nowMs + delay + one.aheadMs);
    const sawNow = stored;
    if (isLost) {
      one.pending.push({ atMs: nowMs + delay, deliver: failed });
    } else if (next.do === 'look') {
      const deliver = (): void => machine.saw(sawNow?.revision, sawNow?.record, nowMs + delay + one.aheadMs);
      one.pending.push({ atMs: nowMs + delay, deliver: isAnswerLost ? failed : deliver });
    } else {
      const isSet = sawNow?.revision === next.expected;
      if (isSet) {
        stored = { revision: (sawNow?.revision ?? 0) + 1, record: next.record };
        if (next.record.epoch !== sawNow?.record.epoch) {
          expect(next.record.epoch > lastEpoch, 'the number of the lease grows').to.equal(true);
          lastEpoch = next.record.epoch;
          got += 1;
        }
      }
      const revision = stored?.revision ?? 0;
      const deliver = (): void => {
        if (isSet) machine.wrote(next.record, revision, local);
        else machine.refused(sawNow?.revision, sawNow?.record, nowMs + delay + one.aheadMs);
      };
      one.pending.push({ atMs: nowMs + delay, deliver: isAnswerLost ? failed : deliver });
    }
  }
}

/** Whether a process keeps a lease that stands still from `fromMs` on for `ms`, where the store answers within `delayMs`. */
function standStill(fromMs: number, ms: number, delayMs: number): boolean {
  const terms = { holder: new Uint8Array(), ttlMs: TTL_MS, token: 'own', owner: '', after: 0n };
  const machine = new LeaseMachine(terms, () => false);
  let stored: { readonly revision: number; readonly record: LeaseRecord } = {
    revision: 1,
    record: { ...terms, epoch: 1n, isTaken: true },
  };
  machine.saw(undefined, undefined, 0);
  machine.wrote(stored.record, stored.revision, 0);
  const untilMs = fromMs + ms;
  /** The first moment from `timeMs` on at which anything of the process runs. */
  const running = (timeMs: number): number => (timeMs >= fromMs && timeMs < untilMs ? untilMs : timeMs);
  for (let nowMs = running(0); nowMs < untilMs + 2 * TTL_MS; ) {
    const step = machine.next(nowMs);
    if (step.do === 'end') return false;
    if (step.do === 'look') throw new Error('a holder looks');
    if (step.do === 'wait') {
      nowMs = running(step.untilMs);
      continue;
    }
    const isWritten = step.expected === stored.revision;
    if (isWritten) stored = { revision: stored.revision + 1, record: step.record };
    const beganMs = nowMs;
    nowMs = running(beganMs + delayMs);
    // When it goes on, the timer of the call comes before the answer.
    if (nowMs - beganMs > step.timeoutMs) machine.failed(nowMs);
    else if (isWritten) machine.wrote(step.record, stored.revision, beganMs);
    else machine.refused(stored.revision, stored.record, nowMs);
  }
  return machine.isHeld(untilMs + 2 * TTL_MS);
}
