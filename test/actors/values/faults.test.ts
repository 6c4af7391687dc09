import { expect } from 'chai';
import { bytesCodable, type Descriptor } from '#src/descriptors/index.js';
import { MillraceError, UnreachableError } from '#src/errors.js';
import { rejection } from '../../support/rejection.js';
import { upTo } from '../../support/numbers.js';
import { closeAfterEach, Cluster, until } from '../runtime/harness.js';
import { isPatterned, pair, patterned, settled } from './harness.js';

const SIZES = [10, 5_000, 200_000];

describe('values on a network with faults', () => {
  closeAfterEach();

  for (const seed of upTo(8)) {
    it(`arrive once and in order, and are freed, although frames are lost, doubled and late (seed ${seed})`, async () => {
      const cluster = new Cluster({ seed, latencyMs: 2, jitterMs: 3, loss: 0.02, duplicate: 0.02, reorder: 0.05 });
      const { writer, reader } = await pair(cluster);
      const publisher = await writer.publisher('frames', bytesCodable);
      const subscriber = await reader.subscriber('frames', bytesCodable);
      const writing = (async () => {
        for (const mark of upTo(20)) await publisher.write(patterned(SIZES[mark % SIZES.length] ?? 0, mark));
        await publisher.end();
      })();
      let count = 0;
      for await (const bytes of subscriber) {
        expect(bytes.length).to.equal(SIZES[count % SIZES.length]);
        expect(isPatterned(bytes, count)).to.equal(true);
        count += 1;
      }
      await writing;
      expect(count).to.equal(20);
      await settled(writer, reader);
      expect(writer.metrics().values.violations + reader.metrics().values.violations).to.equal(0);
    });
  }

  for (const seed of upTo(5)) {
    it(`are freed when their reader crashes, and those not fetched yet are lost at once when their writer does (seed ${seed})`, async () => {
      const cluster = new Cluster({ seed, latencyMs: 2, jitterMs: 3 });
      await cluster.start();
      const { writer, reader } = await pair(cluster);
      const publisher = await writer.publisher('frames', bytesCodable, { policy: 'broadcast' });
      const survivor = await cluster.start();
      const subscribers = [
        await reader.subscriber('frames', bytesCodable),
        await survivor.subscriber('frames', bytesCodable),
      ];
      for (const mark of upTo(6)) await publisher.write(patterned(100_000, mark));
      await until(() => subscribers.every(({ waiting }) => waiting > 3));
      cluster.executor.crash(`${reader.node}`);
      await until(() => publisher.statistics.subscribers === 1);
      const kept: Descriptor<Uint8Array>[] = [];
      const [, second] = subscribers;
      const reading = rejection(
        (async () => {
          for await (const descriptor of second?.descriptors() ?? []) {
            kept.push(descriptor);
            if (kept.length === 3) cluster.executor.crash(`${writer.node}`);
          }
        })(),
      );
      expect(await reading).to.be.instanceOf(UnreachableError);
      for (const [mark, descriptor] of kept.entries()) {
        const bytes = await descriptor.takeValue().catch((error: unknown) => {
          expect(error).to.be.instanceOf(UnreachableError);
        });
        if (bytes !== undefined) expect(isPatterned(bytes, mark)).to.equal(true);
        descriptor.dispose();
      }
      await settled(survivor);
    });
  }

  for (const seed of upTo(5)) {
    it(`are freed when the link between both is cut, and both go on (seed ${seed})`, async () => {
      const cluster = new Cluster({ seed, latencyMs: 2, jitterMs: 3, linkDeadMs: 100 });
      await cluster.start();
      const { writer, reader } = await pair(cluster);
      const publisher = await writer.publisher('frames', bytesCodable);
      const subscriber = await reader.subscriber('frames', bytesCodable);
      const kept: Descriptor<Uint8Array>[] = [];
      const reading = rejection(
        (async () => {
          for await (const descriptor of subscriber.descriptors()) kept.push(descriptor);
        })(),
      );
      for (const mark of upTo(6)) await publisher.write(patterned(100_000, mark));
      await until(() => kept.length > 0);
      const sent = publisher.write(patterned(100_000, 6));
      cluster.executor.network.partition([writer.node], [reader.node]);
      await sent;
      expect(await reading).to.be.instanceOf(MillraceError);
      await until(() => publisher.statistics.subscribers === 0);
      cluster.executor.network.heal();
      for (const descriptor of kept) descriptor.dispose();
      await settled(writer, reader);
      const again = await reader.subscriber('frames', bytesCodable);
      const writing = publisher.write(patterned(100_000, 50)).then(() => publisher.end());
      for await (const bytes of again) expect(isPatterned(bytes, 50)).to.equal(true);
      await writing;
      await settled(writer, reader);
    });
  }
});
