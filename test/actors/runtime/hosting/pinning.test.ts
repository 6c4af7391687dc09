import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { expect } from 'chai';
import type { SystemOptions } from '#src/resources/index.js';
import { formatCpuList, processAffinity } from '#src/resources/index.js';
import flow from './far-flow.js';
import { describeHosting } from './hosting.js';

/**
 * Names of threads that run where the one is that they work for: the thread that UCX starts beside the first that has links, and those
 * that the kernel starts for a thread that gives it work by io_uring, as Node may.
 */
const COMPANION = /^(async|iou-wrk-\d+|iou-sqp-\d+)\n$/;

/** Processors that each thread of a process may run on, as the kernel lists them; threads that end meanwhile are left out. */
function allowed(pid: number | 'self'): Map<number, string> {
  const processors = new Map<number, string>();
  for (const task of readdirSync(`/proc/${pid}/task`).map(Number)) {
    const of = `/proc/${pid}/task/${task}`;
    try {
      if (!COMPANION.test(readFileSync(`${of}/comm`, 'utf8'))) processors.set(task, allowedIn(`${of}/status`));
    } catch (error) {
      if (existsSync(of)) throw error;
    }
  }
  return processors;
}

function allowedIn(path: string): string {
  return /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync(path, 'utf8'))?.[1] ?? '';
}

const MINE = formatCpuList(processAffinity() ?? []);
const [, last = 0] = [0, ...(processAffinity() ?? [])].slice(-2);

describeHosting(
  'the thread of a hosted partition',
  (hosting) => {
    const wishes: readonly SystemOptions[] = [
      { partitions: 2 },
      { partitions: 3 },
      { partitions: 2, cpuset: `${last}` },
    ];
    for (const system of wishes) {
      it(`is pinned to the processors of its plan, and no other is, with ${JSON.stringify(system)}`, async () => {
        const isThread = hosting().placement === 'thread';
        // What user code asks of libuv's pool is done before and while partitions come.
        await stat('/');
        const before = allowed('self');
        const runtime = await hosting().start({ system });
        await (await hosting().run(runtime, flow, { count: 10 })).done;
        await stat('/');
        const partitions = runtime.describe().partitions ?? [];
        expect(partitions).to.have.length(runtime.system.partitions.length);
        const hosted = partitions.slice(1);
        hosted.forEach(({ thread = 0, cpus, pinned }, index) => {
          const planned = runtime.system.partitions[index + 1]?.cpus ?? [];
          expect(allowedIn(`/proc/${isThread ? process.pid : thread}/task/${thread}/status`)).to.equal(
            formatCpuList(planned),
          );
          expect(formatCpuList(cpus ?? [])).to.equal(formatCpuList(planned));
          expect(pinned).to.deep.equal(cpus);
          if (system.cpuset !== undefined) expect(formatCpuList(planned)).to.equal(system.cpuset);
        });
        const pinned = new Set(hosted.map(({ thread }) => thread));
        expect(pinned.size).to.equal(hosted.length);
        for (const [task, cpus] of allowed('self')) {
          if (!pinned.has(task)) expect(cpus, `thread ${task}`).to.equal(before.get(task) ?? MINE);
        }
        if (isThread) return;
        for (const { thread = 0 } of hosted) {
          const others = [...allowed(thread)].filter(([task]) => task !== thread);
          expect(others.map(([, cpus]) => cpus)).to.deep.equal(others.map(() => MINE));
        }
      });
    }
  },
  { everywhere: true },
);
