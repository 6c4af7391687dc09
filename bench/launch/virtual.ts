import { SimulatedRun } from '../../test/actors/services/simulated-run.js';
import type { Effort, Question } from '../harness/question.js';

/** A quick run has so many nodes at most. */
const QUICK_NODES = 50;

/** The roles of a run of so many nodes, up and down on the pseudo-network. Frames take 1 ms from one to another. */
export const virtualLaunch: Question = {
  slug: 'virtual-launch',
  metric: 'frames for each node, up and down',
  unit: 'frames',
  isMoreBetter: false,
  sizes: ['100 nodes', '1000 nodes'],
  isWide: true,
  runs: 1,
  also: [
    { metric: 'virtual time up', unit: 'ms', isMoreBetter: false },
    { metric: 'virtual time down', unit: 'ms', isMoreBetter: false },
  ],
  peer: 'millrace',
  subjects: {
    millrace: ({ actors }: Effort, size) => {
      const wanted = Number.parseInt(size, 10);
      const nodes = actors < 10_000 ? Math.min(wanted, QUICK_NODES) : wanted;
      return Promise.resolve(() => upAndDown(nodes));
    },
  },
};

async function upAndDown(nodes: number): Promise<readonly number[]> {
  const run = new SimulatedRun({ nodes });
  try {
    const launcher = await run.open();
    await launcher.up();
    const upMs = run.scheduler.now();
    const problems = await launcher.down();
    if (problems.length > 0) throw new Error(`not torn down in order: ${problems.join('; ')}`);
    return [run.frames / nodes, upMs, run.scheduler.now() - upMs];
  } finally {
    await run.close();
  }
}
