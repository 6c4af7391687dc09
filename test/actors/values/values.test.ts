import { expect } from 'chai';
import { bytesCodable, jsonCodable, textCodable } from '#src/descriptors/index.js';
import { ConfigError, ConsumedError, ProtocolError, StoppedError, UnreachableError } from '#src/errors.js';
import { rejection } from '../../support/rejection.js';
import { upTo } from '../../support/numbers.js';
import { lackingSharedMemory } from '../../descriptors/pools.js';
import { describeLinked, until } from '../runtime/harness.js';
import { isPatterned, pair, patterned, settled } from './harness.js';

const MIB = 1024 * 1024;

async function readAll<T>(values: AsyncIterable<T>, read: T[] = []): Promise<T[]> {
  for await (const value of values) read.push(value);
  return read;
}

describeLinked('values of any size', (newCluster) => {
  it('go from a publisher to a subscriber in another process, in order, with every byte, and leave nothing', async () => {
    const { writer, reader } = await pair(newCluster());
    const sizes = [1, 100, 4_096, 4_097, 65_536, MIB, 8 * MIB, 3];
    const publisher = await writer.publisher('frames', bytesCodable);
    const subscriber = await reader.subscriber('frames', bytesCodable);
    const read: number[] = [];
    const reading = (async () => {
      for await (const bytes of subscriber) {
        expect(isPatterned(bytes, read.length)).to.equal(true);
        read.push(bytes.length);
      }
    })();
    for (const [mark, size] of sizes.entries()) await publisher.write(patterned(size, mark));
    await publisher.end();
    await reading;
    expect(read).to.deep.equal(sizes);
    await settled(writer, reader);
    expect(writer.metrics().values.violations + reader.metrics().values.violations).to.equal(0);
  });

  it('are read by a subscriber of the same partition as well', async () => {
    const runtime = await newCluster().start();
    const publisher = await runtime.publisher('frames', bytesCodable);
    const subscriber = await runtime.subscriber('frames', bytesCodable);
    const ended = (async () => {
      for (const mark of upTo(5)) await publisher.write(patterned(100_000, mark));
      await publisher.end();
    })();
    let count = 0;
    for await (const bytes of subscriber) expect(isPatterned(bytes, count++)).to.equal(true);
    await ended;
    expect(count).to.equal(5);
    await settled(runtime);
  });

  it('go to all subscribers of a broadcast, also when these come late, and to one at a time otherwise', async () => {
    const cluster = newCluster();
    const { writer, reader } = await pair(cluster);
    for (const policy of ['broadcast', 'round-robin'] as const) {
      const publisher = await writer.publisher(policy, textCodable, { policy });
      const first = await reader.subscriber(policy, textCodable);
      await publisher.write('one');
      const second = await writer.subscriber(policy, textCodable);
      const all = Promise.all([readAll(first), readAll(second)]);
      for (const text of ['two', 'three', 'four']) await publisher.write(text);
      await publisher.end();
      const [early, late] = await all;
      if (policy === 'broadcast') {
        expect([early, late]).to.deep.equal([
          ['one', 'two', 'three', 'four'],
          ['two', 'three', 'four'],
        ]);
      } else {
        expect([...early, ...late]).to.have.members(['four', 'one', 'three', 'two']);
        expect(late).to.have.length.above(0);
      }
    }
    await settled(writer, reader);
  });

  it('wait for a subscriber, or are dropped and counted, or fail, as the publisher says', async () => {
    const { writer, reader } = await pair(newCluster());
    const waiting = await writer.publisher('waiting', textCodable);
    const written = waiting.write('kept');
    const dropping = await writer.publisher('dropping', textCodable, { withoutSubscribers: 'drop' });
    const failing = await writer.publisher('failing', textCodable, { withoutSubscribers: 'fail' });
    await until(() => waiting.statistics.waiting === 1);
    await dropping.write('gone');
    expect(dropping.statistics).to.include({ dropped: 1, written: 0 });
    expect(await rejection(failing.write('x'))).to.be.instanceOf(UnreachableError);
    const subscriber = await reader.subscriber('waiting', textCodable);
    await written;
    await Promise.all([waiting.end(), readAll(subscriber).then((texts) => expect(texts).to.deep.equal(['kept']))]);
    await Promise.all([dropping.end(), failing.end()]);
    await settled(writer, reader);
  });

  it('hold a publisher back when its subscriber does not read, and flow on when it does', async () => {
    const { writer, reader } = await pair(newCluster());
    const publisher = await writer.publisher('slow', bytesCodable);
    const subscriber = await reader.subscriber('slow', bytesCodable, { windowItems: 100, windowBytes: MIB });
    const values = 12;
    let written = 0;
    const writing = (async () => {
      for (const mark of upTo(values)) {
        await publisher.write(patterned(MIB / 2, mark));
        written += 1;
      }
      await publisher.end();
    })();
    // The second goes past the bytes that are let through, the third waits.
    await until(() => publisher.statistics.waiting === 1 && subscriber.waiting === 2);
    expect(written).to.equal(2);
    let count = 0;
    for await (const bytes of subscriber) expect(isPatterned(bytes, count++)).to.equal(true);
    await writing;
    expect(count).to.equal(values);
    await settled(writer, reader);
  });

  it('that a subscriber has not read are given back when it is closed, and the publisher counts them and goes on', async () => {
    const { writer, reader } = await pair(newCluster());
    const publisher = await writer.publisher('frames', bytesCodable);
    const first = await reader.subscriber('frames', bytesCodable);
    for (const mark of upTo(6)) await publisher.write(patterned(100_000, mark));
    await until(() => first.waiting > 0);
    await first.close();
    await until(() => publisher.statistics.subscribers === 0);
    await settled(writer, reader);
    expect(publisher.statistics.lost).to.be.above(0);
    expect(await rejection(readAll(first))).to.be.instanceOf(StoppedError);
    const second = await reader.subscriber('frames', bytesCodable);
    const writing = publisher.write(patterned(100_000, 9)).then(() => publisher.end());
    for await (const bytes of second) expect(isPatterned(bytes, 9)).to.equal(true);
    await writing;
    await settled(writer, reader);
  });

  it('may be kept by their descriptors as long as a reader likes', async () => {
    const { writer, reader } = await pair(newCluster());
    const publisher = await writer.publisher('frames', bytesCodable);
    const subscriber = await reader.subscriber('frames', bytesCodable);
    const writing = (async () => {
      for (const mark of upTo(4)) await publisher.write(patterned(200_000, mark));
      await publisher.end();
    })();
    const kept = [];
    for await (const descriptor of subscriber.descriptors()) kept.push(descriptor);
    expect(writer.metrics().values.owned).to.equal(4);
    for (const [mark, descriptor] of kept.entries()) {
      expect(isPatterned(await descriptor.takeValue(), mark)).to.equal(true);
      descriptor.dispose();
    }
    // The publisher has not ended before all its memory was back.
    await writing;
    await settled(writer, reader);
  });

  for (const isRuntimeStopped of [false, true]) {
    const what = isRuntimeStopped ? 'its runtime stops' : 'the publisher is closed';
    it(`keep nobody who ends the publisher waiting when ${what}, although a reader keeps memory`, async () => {
      const cluster = newCluster();
      const reader = await cluster.start();
      const writer = await cluster.start();
      const publisher = await writer.publisher('frames', bytesCodable);
      const subscriber = await reader.subscriber('frames', bytesCodable);
      const descriptors = subscriber.descriptors();
      const [{ value: kept }] = await Promise.all([descriptors.next(), publisher.write(patterned(MIB, 1))]);
      const ends = Promise.allSettled([publisher.end(), publisher.end()]);
      expect((await descriptors.next()).done).to.equal(true);
      await (isRuntimeStopped ? writer.stop() : publisher.close());
      // The end of a process gives its memory back.
      for (const end of await ends) {
        if (end.status === 'rejected') expect(end.reason).to.be.instanceOf(StoppedError);
        else expect(isRuntimeStopped).to.equal(true);
      }
      kept?.dispose();
    });
  }

  it('that were born in a pool are not copied where memory can be shared, and are fetched elsewhere', async () => {
    const { cluster, writer, reader } = await pair(newCluster());
    const pool = writer.createPool();
    const publisher = await writer.publisher('frames', bytesCodable, { pool });
    const subscriber = await reader.subscriber('frames', bytesCodable);
    const block = await pool.allocate(MIB);
    block.bytes.set(patterned(MIB, 3));
    await publisher.write(block.bytes);
    for await (const descriptor of subscriber.descriptors()) {
      const bytes = await descriptor.takeValue();
      expect(isPatterned(bytes, 3)).to.equal(true);
      block.bytes[12_345] = 99;
      const isShared = pool.memory.kind === 'shared';
      expect(isShared || cluster.isVirtual || lackingSharedMemory() !== undefined).to.equal(true);
      expect(bytes[12_345] === 99).to.equal(isShared);
      expect(pool.statistics.bytesCopied).to.equal(0);
      expect(reader.metrics().values.bytesCopied).to.equal(isShared ? 0 : MIB);
      descriptor.dispose();
      break;
    }
    block.dispose();
    await Promise.all([publisher.end(), readAll(subscriber)]);
    await settled(writer, reader);
    expect(pool.statistics.blocks).to.equal(0);
  });

  it('are sent on by a reader, to another process, its own and back, and are not copied where memory can be shared', async () => {
    const { cluster, writer, reader } = await pair(newCluster());
    const third = await cluster.start();
    const pool = writer.createPool();
    const publisher = await writer.publisher('frames', bytesCodable, { pool });
    const relay = await reader.publisher('relayed', bytesCodable, { policy: 'broadcast' });
    const subscriber = await reader.subscriber('frames', bytesCodable);
    const ends = [third, reader, writer];
    const subscribers = await Promise.all(ends.map((runtime) => runtime.subscriber('relayed', bytesCodable)));
    const counts = subscribers.map(async (each) => {
      let count = 0;
      for await (const bytes of each) expect(isPatterned(bytes, count++)).to.equal(true);
      return count;
    });
    const relaying = (async () => {
      for await (const descriptor of subscriber.descriptors()) await relay.write(descriptor);
      await relay.end();
    })();
    for (const mark of upTo(5)) {
      const block = await pool.allocate(100_000);
      block.bytes.set(patterned(100_000, mark));
      await publisher.write(block.bytes);
      block.dispose();
    }
    await publisher.end();
    await relaying;
    expect(await Promise.all(counts)).to.deep.equal([5, 5, 5]);
    if (pool.memory.kind === 'shared') {
      expect(ends.map((runtime) => runtime.metrics().values.bytesCopied)).to.deep.equal([0, 0, 0]);
    }
    await settled(...ends);
    expect(pool.statistics.blocks).to.equal(0);
  });

  it('that lie in a block which was disposed are refused, and the next one arrives', async () => {
    const { writer, reader } = await pair(newCluster());
    for (const policy of ['round-robin', 'broadcast'] as const) {
      const publisher = await writer.publisher(policy, bytesCodable, { policy });
      const subscriber = await reader.subscriber(policy, bytesCodable);
      const block = await writer.createPool({ limitBytes: MIB }).allocate(100_000);
      const { bytes } = block;
      block.dispose();
      expect(await rejection(publisher.write(bytes))).to.be.instanceOf(ConsumedError);
      const written = publisher.write(patterned(100_000, 1));
      const ended = written.then(() => publisher.end());
      const read: boolean[] = [];
      for await (const value of subscriber) read.push(isPatterned(value, 1));
      await ended;
      expect(read).to.deep.equal([true]);
    }
    await settled(writer, reader);
  });

  it('of several parts arrive as they were', async () => {
    const { writer, reader } = await pair(newCluster());
    const tiles = jsonCodable<{ x: number; pixels: Uint8Array; mask: Uint8Array }>('acme.Tile');
    const publisher = await writer.publisher('tiles', tiles);
    const subscriber = await reader.subscriber('tiles', tiles);
    const writing = publisher
      .write({ x: 5, pixels: patterned(300_000, 1), mask: patterned(10, 2) })
      .then(() => publisher.end());
    for await (const { x, pixels, mask } of subscriber) {
      expect([x, pixels.length, isPatterned(pixels, 1), isPatterned(mask, 2)]).to.deep.equal([5, 300_000, true, true]);
    }
    await writing;
    await settled(writer, reader);
  });

  it('are refused with the wrong name, type or option', async () => {
    const { writer, reader } = await pair(newCluster());
    const publisher = await writer.publisher('frames', bytesCodable);
    expect(await rejection(reader.publisher('frames', bytesCodable))).to.be.instanceOf(ConfigError, 'is taken');
    expect(await rejection(reader.subscriber('frames', textCodable))).to.be.instanceOf(ProtocolError);
    expect(await rejection(writer.publisher('', bytesCodable))).to.be.instanceOf(ConfigError);
    expect(await rejection(writer.publisher('x', {} as never))).to.be.instanceOf(ConfigError);
    expect(await rejection(writer.publisher('x', bytesCodable, { policy: 'all' as never }))).to.be.instanceOf(
      ConfigError,
    );
    expect(await rejection(reader.subscriber('frames', bytesCodable, { windowItems: 0 }))).to.be.instanceOf(
      ConfigError,
    );
    expect(await rejection(publisher.write('text' as never))).to.be.instanceOf(ProtocolError);
    await publisher.end();
    expect(await rejection(publisher.write(new Uint8Array(1)))).to.be.instanceOf(StoppedError);
    // The name is free again.
    await (await reader.publisher('frames', bytesCodable)).close();
    await settled(writer, reader);
  });
});
