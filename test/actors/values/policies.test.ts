import { expect } from 'chai';
import { bytesCodable, textCodable } from '#src/descriptors/index.js';
import { ConfigError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { rejection } from '../../support/rejection.js';
import { upTo } from '../../support/numbers.js';
import { closeAfterEach, Cluster, describeLinked, until } from '../runtime/harness.js';
import { isPatterned, pair, patterned, settled } from './harness.js';

async function readAll<T>(values: AsyncIterable<T>): Promise<T[]> {
  const read: T[] = [];
  for await (const value of values) read.push(value);
  return read;
}

describeLinked('the policy of a publisher of values', (newCluster) => {
  it('hash sends values of one key to one subscriber, and needs a key', async () => {
    const { writer, reader } = await pair(newCluster());
    const publisher = await writer.publisher('lines', textCodable, { policy: 'hash' });
    const subscribers = [await writer.subscriber('lines', textCodable), await reader.subscriber('lines', textCodable)];
    const all = Promise.all(subscribers.map(readAll));
    expect(await rejection(publisher.write('no key'))).to.be.instanceOf(ConfigError);
    for (const number of upTo(40)) await publisher.write(`${number % 8}`, { key: number % 8 });
    await publisher.end();
    const [first = [], second = []] = await all;
    expect([...first, ...second].toSorted()).to.deep.equal(
      upTo(40)
        .map((number) => `${number % 8}`)
        .toSorted(),
    );
    expect(first.filter((text) => second.includes(text))).to.deep.equal([]);
    expect([first.length, second.length]).not.to.include(0);
  });

  it('local-first sends to a subscriber of its own process while that has room, and elsewhere then', async () => {
    const { writer, reader } = await pair(newCluster());
    const publisher = await writer.publisher('lines', textCodable, { policy: 'local-first' });
    const far = await reader.subscriber('lines', textCodable);
    const near = await writer.subscriber('lines', textCodable, { windowItems: 4 });
    for (const number of upTo(6)) await publisher.write(String(number));
    const all = Promise.all([readAll(near), readAll(far)]);
    await publisher.end();
    expect(await all).to.deep.equal([
      ['0', '1', '2', '3'],
      ['4', '5'],
    ]);
  });

  it('least-loaded sends to the subscriber that lets most through', async () => {
    const { writer, reader } = await pair(newCluster());
    const publisher = await writer.publisher('lines', textCodable, { policy: 'least-loaded' });
    const fast = await reader.subscriber('lines', textCodable, { windowItems: 20 });
    // From this write on it is known how much the first one lets through.
    await publisher.write('first');
    const slow = await writer.subscriber('lines', textCodable, { windowItems: 3 });
    for (const number of upTo(12)) await publisher.write(String(number));
    await until(() => fast.waiting + slow.waiting === 13);
    expect([slow.waiting, fast.waiting]).to.deep.equal([0, 13]);
    const all = Promise.all([readAll(slow), readAll(fast)]);
    await publisher.end();
    await all;
  });

  it('other than hash takes no key', async () => {
    const runtime = await newCluster().start();
    const publisher = await runtime.publisher('lines', textCodable);
    expect(await rejection(publisher.write('x', { key: 1 }))).to.be.instanceOf(ConfigError);
    expect(await rejection(publisher.write('x', { kye: 1 } as never))).to.be.instanceOf(ConfigError);
    await publisher.close();
  });
});

describe('the network engines of a partition', () => {
  closeAfterEach();

  for (const engines of [undefined, 3]) {
    it(`fetch ${engines ?? limits.networkEngines} values at a time, and the others wait for their turn`, async () => {
      const cluster = new Cluster();
      const writer = await cluster.start();
      const system = engines === undefined ? {} : { engineGroups: { network: engines } };
      const reader = await cluster.start({ system });
      const publisher = await writer.publisher('frames', bytesCodable);
      const subscriber = await reader.subscriber('frames', bytesCodable);
      const most = engines ?? limits.networkEngines;
      const count = most + 24;
      for (const mark of upTo(count)) await publisher.write(patterned(100_000, mark));
      const descriptors = [];
      for await (const descriptor of subscriber.descriptors()) if (descriptors.push(descriptor) === count) break;
      const values = Promise.all(descriptors.map((descriptor) => descriptor.takeValue()));
      await until(() => reader.metrics().values.fetches.waiting > 0);
      expect(reader.metrics().values.fetches).to.include({ engines: most, running: most });
      for (const [mark, value] of (await values).entries()) expect(isPatterned(value, mark)).to.equal(true);
      expect(reader.metrics().values.fetches).to.deep.equal({ engines: most, running: 0, waiting: 0, begun: count });
      for (const descriptor of descriptors) descriptor.dispose();
      await publisher.close();
      await settled(writer, reader);
    });
  }
});
