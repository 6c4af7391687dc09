import { expect } from 'chai';
import { SimulatedRun } from './simulated-run.js';

interface Measured {
  readonly framesPerNode: number;
  readonly upMs: number;
  readonly downMs: number;
}

describe('the roles of many nodes, on virtual time', function () {
  this.timeout(300_000);

  async function measure(nodes: number): Promise<Measured> {
    const run = new SimulatedRun({ nodes });
    try {
      const launcher = await run.open();
      await launcher.up();
      const upMs = run.scheduler.now();
      expect(await launcher.down()).to.deep.equal([]);
      const downMs = run.scheduler.now() - upMs;
      expect([...run.alive]).to.deep.equal([]);
      return { framesPerNode: run.frames / nodes, upMs, downMs };
    } finally {
      await run.close();
    }
  }

  it('take frames in proportion to their number, and time that depends on the depth of the tree', async () => {
    const few = await measure(60);
    const many = await measure(200);
    expect(few.framesPerNode).to.be.greaterThan(5);
    expect(many.framesPerNode).to.be.lessThan(1.5 * few.framesPerNode);
    expect(many.upMs).to.be.lessThan(2 * few.upMs);
    expect(many.downMs).to.be.lessThan(2 * few.downMs);
  });

  it('end all, and say which node was missing, when one dies', async () => {
    const run = new SimulatedRun({ nodes: 100 });
    try {
      const launcher = await run.open();
      await launcher.up();
      run.crash(50);
      expect(await launcher.failed).to.include({ node: 50, part: 'backend' });
      const problems = await launcher.down();
      expect(problems.length).to.be.greaterThan(0);
      for (const problem of problems) expect(problem).to.match(/node 50\b/);
      expect([...run.alive]).to.deep.equal([]);
    } finally {
      await run.close();
    }
  });
});
