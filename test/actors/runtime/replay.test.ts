import { expect } from 'chai';
import { Cluster, startFlow } from './harness.js';
import restarting from './pipelines/flow-restart.js';

async function traceOf(seed: number): Promise<string> {
  const lines: string[] = [];
  const faults = { latencyMs: 1, jitterMs: 2, loss: 0.02, duplicate: 0.02, reorder: 0.02 };
  const cluster = new Cluster({ ...faults, seed, trace: (line) => lines.push(line) });
  const first = await cluster.start({ system: { partitions: 2 } });
  const second = await cluster.start();
  const args = { count: 300, stages: 3, policy: 'hash' as const };
  const { run } = await startFlow(first, restarting, args, { name: 'same' });
  await cluster.pass(40);
  cluster.executor.crash(second.node);
  await run.done;
  await cluster.close({ ignoresTimers: true });
  return lines.join('\n');
}

describe('a simulation', () => {
  it('has the same trace for the same seed, byte for byte, and another one for another seed', async () => {
    const first = await traceOf(7);
    expect(first.length).to.be.greaterThan(10_000);
    expect(await traceOf(7)).to.equal(first);
    expect(await traceOf(8)).not.to.equal(first);
  });
});
