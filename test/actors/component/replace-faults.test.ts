import { expect } from 'chai';
import { componentNetwork } from '#src/actors/component/index.js';
import { UnreachableError } from '#src/errors.js';
import { rejection } from '../../support/rejection.js';
import { closeAfterEach, Cluster } from '../runtime/harness.js';
import { Listing } from '../transport/errands.js';
import { mortal, steps } from './mortal.js';

describe('a replacement, while a process of its containers crashes', () => {
  closeAfterEach();
  afterEach(() => {
    steps.created = steps.exported = steps.imported = () => {};
  });

  /** Two containers in each of two processes, whose states are 1, 2, 3 and 4. */
  async function served() {
    const cluster = new Cluster();
    const network = componentNetwork(await cluster.start({ node: 'a' }));
    for (const node of ['b', 'c']) await cluster.start({ node, labels: ['till'] });
    const pool = await network.serve(mortal, { containers: 4, on: { label: 'till' } });
    const client = await network.client(Listing);
    await Promise.all([1, 2, 3, 4].map((value) => client.run({ value })));
    const sums = async (): Promise<readonly number[]> => {
      await cluster.pass(10_000);
      const replies = await Promise.all([0, 0, 0, 0].map((value) => client.run({ value })));
      // The pool hears that they have been answered.
      await cluster.pass(100);
      return replies.map(({ value }) => value).sort((one, other) => one - other);
    };
    /** Ends the process of a node at the n-th call. */
    const crashAt = (node: string, calls: number) => {
      let left = calls;
      return (): void => {
        left--;
        if (left === 0) cluster.executor.crash(node);
      };
    };
    return { pool, sums, crashAt };
  }

  it('goes on where that ends while the new containers start', async () => {
    const { pool, sums, crashAt } = await served();
    steps.created = crashAt('b', 2);
    await pool.replace(mortal);
    const after = await sums();
    // The pool starts containers for the old ones that have ended, which are replaced as the others.
    expect(after.filter((sum) => sum > 0)).to.have.length(2);
    expect(pool.load()).to.include({ containers: 4, idle: 4 });
  });

  it('loses the states of those that have ended, and no other one', async () => {
    const { pool, sums, crashAt } = await served();
    const exported: number[] = [];
    const crash = crashAt('b', 1);
    steps.exported = (sum) => {
      exported.push(sum);
      crash();
    };
    await pool.replace(mortal);
    const after = await sums();
    expect(after.filter((sum) => sum > 0))
      .to.have.length.within(2, 3)
      .and.to.include.members(exported.slice(1));
    expect(pool.load()).to.include({ containers: 4, idle: 4 });
  });

  it('gives each state that was exported to another new container', async () => {
    const { pool, sums, crashAt } = await served();
    steps.imported = crashAt('b', 3);
    await pool.replace(mortal);
    expect(await sums()).to.deep.equal([1, 2, 3, 4]);
  });

  it('is given up where no process is left for new ones', async () => {
    const { pool, crashAt } = await served();
    const crashes = [crashAt('b', 1), crashAt('c', 2)];
    steps.created = () => {
      for (const crash of crashes) crash();
    };
    const error = await rejection(pool.replace(mortal, { drainMs: 2_000 }));
    expect(error).to.be.instanceOf(UnreachableError).with.property('message').that.includes('label "till"');
  });
});
