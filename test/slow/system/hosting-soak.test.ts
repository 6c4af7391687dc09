import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import flow, { type Deed } from '../../actors/runtime/hosting/far-flow.js';
import { describeHosting, type Hosting } from '../../actors/runtime/hosting/hosting.js';
import { rejection } from '../../support/rejection.js';
import { eventually } from '../../support/until.js';

/** How often each end is gone through. 200 takes half an hour. */
const ROUNDS = Number(process.env['MILLRACE_TEST_THREADS'] ?? 1);
const ENDS = ['stop', 'throw outside', 'exit', 'hang', 'hang asleep'] as const satisfies readonly (Deed | 'stop')[];
const ROWS = 400;

/** What the operating system keeps for this process, and for all of them where it does not say whose it is. */
function held() {
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    threads: readdirSync('/proc/self/task').length,
    rss: process.memoryUsage().rss,
  };
}

function shared(): string[] {
  const segments = readFileSync('/proc/sysvipc/shm', 'utf8').split('\n').slice(1);
  return [...readdirSync('/dev/shm'), ...segments.map((line) => line.trim().split(/\s+/).slice(0, 2).join(' '))];
}

/** A runtime with one hosted partition, which ends in one way or another while rows flood through it. */
async function round(hosting: Hosting, end: (typeof ENDS)[number]): Promise<void> {
  const runtime = await hosting.start({ kernelLimits: { stopTimeoutMs: 100, restarts: 0 } });
  const deed = end === 'stop' ? {} : ({ deed: end, at: ROWS } as const);
  const run = await runtime.run(flow, { args: { notes: '/dev/null', count: 1e9, ...deed } });
  const failure = rejection(run.done);
  const written = (): number => runtime.metrics().segments.written;
  const endsAlone = end === 'throw outside' || end === 'exit';
  if (!endsAlone) await eventually(() => written() >= ROWS);
  // A thread that hangs takes no rows: those that have gone are not waited for any more.
  if (end.startsWith('hang')) await eventually(still(written));
  if (endsAlone) await failure;
  await runtime.stop();
  await failure;
}

/** True when the number has not changed for some looks. */
function still(count: () => number): () => boolean {
  let last = -1;
  let looks = 0;
  return () => {
    looks = count() === last ? looks + 1 : 0;
    last = count();
    return looks > 20;
  };
}

describeHosting(
  `hosted partitions that end ${ROUNDS} times in each way`,
  (hosting) => {
    it('take nothing with them, and leave nothing behind', async function () {
      this.timeout(60_000 + ROUNDS * 40_000);
      await round(hosting(), 'stop');
      const before = held();
      const sharedBefore = new Set(shared());
      for (let index = 0; index < ROUNDS; index++) for (const end of ENDS) await round(hosting(), end);
      const after = held();
      expect(after.descriptors).to.be.at.most(before.descriptors + 2);
      expect(after.threads).to.be.at.most(before.threads);
      expect(after.rss - before.rss).to.be.lessThan(150e6);
      // Others on this machine may have segments, too, and give them back.
      await eventually(() => shared().every((name) => sharedBefore.has(name)));
    });
  },
  { everywhere: true },
);
