import { expect } from 'chai';
import { AskTimeoutError, StoppedError, UnreachableError } from '#src/errors.js';
import { type VirtualCluster, virtualCluster } from '#src/testing/index.js';
import { Listing } from '../transport/errands.js';
import { listing } from '../transport/partitions.js';
import { upTo } from '../../support/numbers.js';
import { readAll } from '../../support/read-all.js';
import { describeLinked, until } from './harness.js';

const forever = { timeoutMs: Number.POSITIVE_INFINITY };

/** An actor that lists numbers below the one that it is asked for, or all; and the lists that have been closed. */
function endlessly() {
  const closed: number[] = [];
  const endless = listing({
    list: async function* (_state, { value }) {
      try {
        for (let next = 0; value === 0 || next < value; next++) yield { value: next };
      } finally {
        closed.push(value);
      }
    },
  });
  return { closed, endless };
}

describeLinked('streams between processes', (newCluster) => {
  it('are read through a name that was looked up, from any of them', async () => {
    const { runtimes, second, endless } = await setUp();
    second.spawn(endless, { name: 'numbers', register: true });
    for (const runtime of runtimes) {
      const ref = await runtime.lookup(Listing, 'numbers');
      expect(await readAll(ref.list({ value: 50 }, { windowItems: 7 }))).to.deep.equal({ values: upTo(50) });
    }
  });

  it('fail at their readers when the process that serves them crashes, and are cancelled when the one that reads does', async () => {
    const { cluster, first, second, third, closed, endless } = await setUp();
    second.spawn(endless, { name: 'numbers', register: true });
    const here = await first.lookup(Listing, 'numbers');
    const there = await third.lookup(Listing, 'numbers');
    const streams = [here.list({}, forever), there.list({}, forever)];
    for (const stream of streams) await stream.next();
    cluster.executor.crash(third.node);
    await until(() => closed.length === 1);
    cluster.executor.crash(second.node);
    const [one, other] = await Promise.all(streams.map(readAll));
    expect(one?.error).to.be.instanceOf(UnreachableError);
    expect(other?.error).to.be.instanceOf(StoppedError);
  });

  async function setUp() {
    const cluster = newCluster();
    const [first, second, third] = [await cluster.start(), await cluster.start(), await cluster.start()];
    return { cluster, runtimes: [first, second, third], first, second, third, ...endlessly() };
  }
});

describe('streams over a network with faults', () => {
  let cluster: VirtualCluster;

  async function setUp(options: Parameters<typeof virtualCluster>[0] = {}) {
    cluster = await virtualCluster({ nodes: 2, latencyMs: 1, ...options });
    const [first, second] = cluster.runtimes;
    if (second === undefined) throw new Error('two nodes were asked for');
    return { first, second, ...endlessly() };
  }

  it('arrive complete where frames are lost, doubled and reordered', async () => {
    for (const seed of [1, 2, 3, 4]) {
      const { first, second, closed, endless } = await setUp({ seed, loss: 0.1, duplicate: 0.05, reorder: 0.05 });
      second.spawn(endless, { name: 'numbers', register: true });
      const ref = await first.lookup(Listing, 'numbers');
      expect(await readAll(ref.list({ value: 40 }, forever))).to.deep.equal({ values: upTo(40) });
      for await (const { value } of ref.list({}, forever)) if (value === 5) break;
      await cluster.until(() => closed.length === 2);
      await cluster.stop();
    }
  });

  it('wait for a node that is cut off for a while, and fail when it stays away', async () => {
    const { first, second, closed, endless } = await setUp({ linkDeadMs: 5_000 });
    second.spawn(endless, { name: 'numbers', register: true });
    const ref = await first.lookup(Listing, 'numbers');
    const stream = ref.list({}, { ...forever, windowItems: 1 });
    await stream.next();
    cluster.executor.network.partition(['node-0'], ['node-1']);
    const late = stream.next();
    await cluster.pass(2_000);
    cluster.executor.network.heal();
    expect((await late).value).to.include({ value: 1 });
    const short = ref.list({}, { timeoutMs: 500, windowItems: 1 });
    await short.next();
    cluster.executor.network.partition(['node-0'], ['node-1']);
    expect((await readAll(short)).error).to.be.instanceOf(AskTimeoutError);
    expect((await readAll(stream)).error).to.be.instanceOf(UnreachableError);
    await cluster.until(() => closed.length === 2);
    cluster.executor.network.heal();
    await cluster.stop();
  });

  it('are the same run for the same seed', async () => {
    const run = async (): Promise<string> => {
      const { first, second, endless } = await setUp({ seed: 9, jitterMs: 3, loss: 0.1 });
      second.spawn(endless, { name: 'numbers', register: true });
      const ref = await first.lookup(Listing, 'numbers');
      const times: number[] = [];
      for await (const _element of ref.list({ value: 30 }, forever)) times.push(cluster.scheduler.now());
      await cluster.stop();
      return times.join();
    };
    expect(await run()).to.equal(await run());
  });
});
