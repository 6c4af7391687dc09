import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  type DeadLetter,
  type ExecutorOptions,
  Executor,
  type Runtime,
  silentLogger,
  StoppedError,
} from '#src/index.js';
import { gate } from '../../support/deferred.js';
import { rejection } from '../../support/rejection.js';
import { eventually } from '../../support/until.js';
import { Errands } from '../transport/errands.js';
import { errands } from '../transport/partitions.js';

const TELLS = 500;

/** How two programs meet. */
const media: Readonly<Record<string, NonNullable<ExecutorOptions['net']>>> = {
  'unix sockets': { ucx: 'off' },
  tcp: { listen: 'tcp://127.0.0.1:0', keyless: 'loopback', ucx: 'off' },
  'what the machine has': { ucx: 'auto' },
};

describe('tells over links to an actor that ends', function () {
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

  /** Two programs; the actor of the first holds its first message until `open`. */
  async function setUp(net: ExecutorOptions['net']) {
    const start = (options: Parameters<Executor['start']>[0]): Promise<Runtime> => {
      const executor = new Executor({ log: silentLogger, net: { socketFolder: folder, ...net } });
      executors.push(executor);
      return executor.start(options);
    };
    const shop = await start({ node: 'shop' });
    const customer = await start({ node: 'customer', controlPlane: shop.controlPlane });
    const { passed, open } = gate();
    const handled: number[] = [];
    const take = (_state: undefined, { value }: { value: number }): Promise<void> => {
      handled.push(value);
      return passed;
    };
    const actor = shop.spawn(errands({ mailbox: { capacity: 100 }, push: take }), { name: 'till', register: true });
    const ref = await customer.lookup(Errands, 'till');
    const letters: DeadLetter[] = [];
    customer.deadLetters.subscribe((letter) => letters.push(letter));
    return { shop, customer, actor, ref, handled, letters, open };
  }

  for (const [name, net] of Object.entries(media)) {
    it(`are dead letters of the sender, over ${name}`, async () => {
      const { shop, actor, ref, handled, letters, open } = await setUp(net);
      for (let value = 0; value < TELLS; value++) ref.push({ value });
      await eventually(() => shop.metrics().mailboxes.queued === TELLS - 1);
      const stopped = shop.stopActor(actor);
      open();
      await stopped;
      await eventually(() => letters.length === TELLS - 1);
      expect(letters.map(({ message }) => (message as { value: number }).value)).to.deep.equal(
        Array.from({ length: TELLS - 1 }, (_, index) => index + 1),
      );
      expect(handled).to.deep.equal([0]);
      expect(ref.push({ value: TELLS })).to.equal(false);
      expect(await rejection(ref.run({}))).to.be.instanceOf(StoppedError);
      expect(new Set(letters.map(({ reason }) => reason))).to.deep.equal(new Set(['stopped']));
      expect(shop.deadLetters.count).to.equal(0);
      expect(shop.metrics().links.tellsReturned).to.equal(TELLS - 1);
    });

    it(`are dead letters of the sender when the runtime of the actor stops, over ${name}`, async () => {
      const { shop, customer, ref, handled, letters, open } = await setUp(net);
      for (let value = 0; value < TELLS; value++) ref.push({ value });
      await eventually(() => shop.metrics().mailboxes.queued === TELLS - 1);
      const stopped = shop.stop();
      for (let value = TELLS; value < 2 * TELLS; value++) ref.push({ value });
      open();
      await stopped;
      await eventually(() => letters.length + handled.length >= 2 * TELLS);
      const values = letters.map(({ message }) => (message as { value: number }).value);
      expect(new Set([...handled, ...values]).size).to.equal(2 * TELLS);
      expect(letters.length + handled.length).to.equal(2 * TELLS);
      expect(customer.deadLetters.count).to.equal(letters.length);
      expect(shop.deadLetters.count).to.equal(0);
    });
  }
});
