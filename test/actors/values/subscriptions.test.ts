import { expect } from 'chai';
import { bytesCodable, textCodable } from '#src/descriptors/index.js';
import { AskTimeoutError, UnreachableError } from '#src/errors.js';
import { silentLogger } from '#src/logging/index.js';
import { DescriptorExchange, ValuePublisher, ValueSubscriber } from '#src/actors/values/index.js';
import { Runtime } from '#src/actors/runtime/index.js';
import { v1 } from '#src/protocol/index.js';
import { closeAfterEach, Cluster, until } from '../runtime/harness.js';
import { openPool } from '../../descriptors/pools.js';
import { rejection } from '../../support/rejection.js';
import { Errands } from '../transport/errands.js';
import { endWorlds, errands, type Partition, PartitionWorld } from '../transport/partitions.js';
import { isPatterned, patterned, settled } from './harness.js';

/** A codable that stalls its thread when it is asked for its type, as often as `stalls` says. */
function stalling(): typeof textCodable & { stalls: number } {
  return {
    ...textCodable,
    stalls: 0,
    get typeName() {
      if (this.stalls > 0) {
        this.stalls -= 1;
        const end = performance.now() + 60;
        while (performance.now() < end);
      }
      return textCodable.typeName;
    },
  };
}

describe('a publisher that sends values of another process on', () => {
  closeAfterEach();

  it('ends when the owners know who has them, so that its process may stop then', async () => {
    const cluster = new Cluster({ latencyMs: 5, linkDeadMs: 60_000 });
    const owner = await cluster.start();
    const relay = await cluster.start();
    const reader = await cluster.start();
    const source = await owner.publisher('source', bytesCodable);
    const incoming = await relay.subscriber('source', bytesCodable);
    const forwarding = await relay.publisher('forwarding', bytesCodable);
    const last = await reader.subscriber('forwarding', bytesCodable);
    await source.write(patterned(200_000, 7));
    cluster.executor.network.partition([owner.node], [reader.node]);
    for await (const value of incoming.descriptors()) {
      await forwarding.write(value);
      break;
    }
    let hasEnded = false;
    const ended = forwarding.end().then(() => (hasEnded = true));
    const read: boolean[] = [];
    const reading = (async () => {
      for await (const bytes of last) read.push(isPatterned(bytes, 7));
    })();
    await until(() => last.waiting + last.read > 0);
    await cluster.pass(1_000);
    expect(hasEnded).to.equal(false);
    cluster.executor.network.heal();
    await ended;
    await relay.stop();
    await reading;
    expect(read).to.deep.equal([true]);
    await settled(owner, reader);
  });
});

describe('subscriptions to a publisher', () => {
  it('are made also after one whose process stalled past its deadline', async () => {
    await using runtime = await Runtime.start({ logLevel: 'error' });
    const codable = stalling();
    const publisher = await runtime.publisher('texts', codable, { policy: 'broadcast' });
    codable.stalls = 1;
    // Whether it is answered is up to the order of timers.
    const first = await runtime.subscriber('texts', textCodable, { timeoutMs: 50 }).catch((error: unknown) => error);
    if (first instanceof ValueSubscriber) await first.close();
    else expect(first).to.be.instanceOf(AskTimeoutError);
    expect(codable.stalls).to.equal(0);
    const subscriber = await runtime.subscriber('texts', textCodable);
    const writing = publisher.write('v').then(() => publisher.end());
    const read: string[] = [];
    for await (const text of subscriber) read.push(text);
    await writing;
    expect(read).to.deep.equal(['v']);
  });
});

describe('a subscriber over links of which one is lost', () => {
  afterEach(endWorlds);

  /** What one partition has of the values that it exchanges with the other. */
  function exchangeOf(world: PartitionWorld, { system, ordinal }: Partition, other: Partition): DescriptorExchange {
    const { scheduler } = world;
    const locate = (): Promise<string> => Promise.resolve(other.address);
    return new DescriptorExchange({
      system,
      scheduler,
      ordinal,
      locate,
      log: silentLogger,
      pool: openPool({}, { scheduler }),
      engines: 1,
    });
  }

  it('is told when its publisher has lost it, although it reaches that over another link', async () => {
    const world = new PartitionWorld({ latencyMs: 5 });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    // Each opens a link at the same time, and uses its own.
    const [here, there] = [near.system.spawn(errands()), far.system.spawn(errands())];
    await Promise.all([world.reach(near, Errands, there).run({}), world.reach(far, Errands, here).run({})]);
    const codable = textCodable;
    const publisher = new ValuePublisher({
      name: 'texts',
      codable,
      options: {},
      system: near.system,
      exchange: exchangeOf(world, near, far),
      isLossy: () => false,
      left: () => Promise.resolve(),
    });
    const reader = { system: far.system, scheduler: world.scheduler, exchange: exchangeOf(world, far, near) };
    const subscriber = new ValueSubscriber({ name: 'texts', codable, options: {}, ...reader });
    const found = far.system.reference(v1.ValuePublisher, publisher.ref.toRef());
    await subscriber.connect(found, 1_000);
    const reading = subscriber[Symbol.asyncIterator]();
    await publisher.write('first');
    expect(await reading.next()).to.deep.equal({ done: false, value: 'first' });
    const lost = rejection(reading.next());
    const [own] = [...near.router.channels()].filter(({ key }) => key !== '');
    own?.close(new UnreachableError('The link is cut.'));
    expect(await lost).to.be.instanceOf(UnreachableError);
    expect([...far.router.channels()].length).to.equal(1);
    expect(publisher.statistics.subscribers).to.equal(0);
    const again = await new ValueSubscriber({ name: 'texts', codable, options: {}, ...reader }).connect(found, 1_000);
    const values = again[Symbol.asyncIterator]();
    await publisher.write('second');
    expect(await values.next()).to.deep.equal({ done: false, value: 'second' });
    await again.close();
    await publisher.close();
  });
});
