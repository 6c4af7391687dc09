import { expect } from 'chai';
import { componentNetwork } from '#src/actors/component/index.js';
import { govern } from '#src/actors/governor/index.js';
import { CapacityError, HandlerError, MillraceError } from '#src/errors.js';
import { randomStream } from '#src/scheduler/index.js';
import { clerk, handlings, NEVER } from '../component/clerk.js';
import { closeAfterEach, Cluster } from '../runtime/harness.js';
import { Listing } from '../transport/errands.js';

const REQUESTS = 150;
const SEEDS = [1, 2, 3, 4, 5];

describe('requests to components under faults', () => {
  closeAfterEach();

  for (const seed of SEEDS) {
    it(`are each handled once and answered, or fail with a typed error by their deadline (seed ${seed})`, async () => {
      const random = randomStream(`counted ${seed}`);
      const upTo = (most: number): number => Math.floor(random() * (most + 1));
      const cluster = new Cluster({ seed });
      const nodes = ['a', 'a', 'b', 'c'];
      const parts = await inTurn(nodes, async (node) => {
        const network = componentNetwork(await cluster.start({ node }));
        const governor = govern(network, { limit: 3 });
        const served = await network.serve(clerk, { containers: { min: 1, max: 4 }, wedgedMs: 300, recycleAfter: 9 });
        return { network, governor, served, client: await network.client(Listing) };
      });
      const { scheduler } = cluster.executor;
      const outcomes: Promise<void>[] = [];
      const seen = { answered: 0, capacity: 0, failed: 0 };
      for (let count = 0; count < REQUESTS; count++) {
        await cluster.pass(upTo(20));
        const faults = parts.slice(0, 2);
        if (upTo(20) === 0) faults[upTo(1)]?.governor.setLimit(upTo(3));
        if (upTo(30) === 0) faults[upTo(1)]?.served.setContainers(upTo(3));
        if (count === 70) cluster.executor.crash('b');
        if (count === 100) void parts[3]?.network.close();
        const id = `${seed}/${count}`;
        const timeoutMs = 100 + upTo(900);
        const within = upTo(1) === 0 ? undefined : upTo(100);
        const value = upTo(40) === 0 ? NEVER : 20 + upTo(40);
        const untilMs = scheduler.now() + timeoutMs;
        const request = parts[upTo(1)]?.client.run({ value, load: Buffer.from(id) }, { timeoutMs, within });
        if (request === undefined) throw new Error('there are two clients');
        const outcome = request.then(
          () => {
            seen.answered++;
            expect(handlings.get(id), `${id} was answered`).to.equal(1);
          },
          (error: unknown) => {
            // A HandlerError is that of a container that has two requests at a time.
            expect(error).to.be.instanceOf(MillraceError).and.not.instanceOf(HandlerError);
            const isRefused = error instanceof CapacityError;
            seen[isRefused ? 'capacity' : 'failed']++;
            expect(handlings.get(id) ?? 0, `${id} failed: ${String(error)}`).to.be.at.most(isRefused ? 0 : 1);
          },
        );
        outcomes.push(
          outcome.then(() => {
            expect(scheduler.now(), `${id} ended`).to.be.at.most(untilMs + 1);
          }),
        );
      }
      await Promise.all(outcomes);
      expect(seen.answered).to.be.greaterThan(REQUESTS / 2);
      expect(seen.answered + seen.capacity + seen.failed).to.equal(REQUESTS);
      // What was wedged is replaced, and nothing is left of any request.
      await cluster.pass(5_000);
      for (const { served, governor } of parts.slice(0, 2)) {
        governor.setLimit(3);
        await cluster.pass(1_000);
        const { containers, idle, waiting } = served.load();
        expect({ idle, waiting }, `with seed ${seed}`).to.deep.equal({ idle: containers, waiting: 0 });
        expect(containers).to.be.at.least(1);
      }
    });
  }
});

async function inTurn<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}
