import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Executor, type Runtime } from '#src/actors/runtime/index.js';
import { Arrivals, NUMBERS, send } from '../../support/senders.js';
import { turn } from '../../support/until.js';
import { Errands } from '../transport/errands.js';
import { errands } from '../transport/partitions.js';
import { closeAfterEach, Cluster, until } from './harness.js';

const SENDERS = 3;
const ENOUGH = 1_000;
/** What is under way before a sender hears that the mailbox is full are some hundred messages then, and not some ten thousand. */
const LOAD = new Uint8Array(4_096);

/** The first runtime has an actor that takes one message in each turn of the event loop; the others send to it. */
async function flood(runtimes: readonly Runtime[], isPolite: boolean): Promise<void> {
  const [server, ...senders] = runtimes;
  if (server === undefined) throw new Error('there is a server');
  const arrivals = new Arrivals();
  let fairness = 0;
  const slow = errands({
    mailbox: { capacity: 32 },
    push: async (_state, { value }) => {
      arrivals.add(value);
      if (arrivals.total === ENOUGH) fairness = arrivals.fairness(SENDERS);
      await turn();
    },
  });
  server.spawn(slow, { name: `slow-${isPolite}`, register: true });
  const sent = await Promise.all(
    senders.map(async (sender, index) => {
      const target = await sender.lookup(Errands, `slow-${isPolite}`);
      const isOver = (): boolean => arrivals.total >= ENOUGH;
      return send(target, { first: index * NUMBERS, isPolite, isOver, pause: turn, load: LOAD });
    }),
  );
  const accepted = sent.reduce((sum, each) => sum + each.accepted, 0);
  await until(() => arrivals.total === accepted);
  expect(arrivals.disordered).to.deep.equal([]);
  expect(fairness).to.be.at.least(0.9);
  for (const runtime of runtimes) expect(runtime.metrics().deadLetters).to.deep.equal({});
}

for (const isPolite of [true, false]) {
  const manners = isPolite ? 'await ready()' : 'send until BackpressureError';

  describe(`an actor that several virtual processes send to, which ${manners}`, () => {
    closeAfterEach();

    it('handles all that was accepted, and takes as much of each', async () => {
      const cluster = new Cluster();
      const runtimes: Runtime[] = [];
      for (let count = 0; count <= SENDERS; count += 1) runtimes.push(await cluster.start());
      await flood(runtimes, isPolite);
    });
  });

  describe(`an actor that several programs send to over sockets, which ${manners}`, function () {
    this.timeout(120_000);
    let folder: string;
    let executors: Executor[];

    beforeEach(() => {
      executors = [];
      folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
    });
    afterEach(async () => {
      for (const executor of executors.toReversed()) await executor.stop();
      rmSync(folder, { recursive: true });
    });

    it('handles all that was accepted, and takes as much of each', async () => {
      const runtimes: Runtime[] = [];
      for (let count = 0; count <= SENDERS; count += 1) {
        const executor = new Executor({ net: { socketFolder: folder } });
        executors.push(executor);
        const controlPlane = runtimes[0]?.controlPlane;
        runtimes.push(
          await executor.start({ node: `node-${count}`, ...(controlPlane === undefined ? {} : { controlPlane }) }),
        );
      }
      await flood(runtimes, isPolite);
    });
  });
}
