import { expect } from 'chai';
import { bytesCodable, textCodable } from '#src/descriptors/index.js';
import { AskTimeoutError, StoppedError, UnreachableError } from '#src/errors.js';
import { rejection } from '../../support/rejection.js';
import { upTo } from '../../support/numbers.js';
import { describeLinked, until } from '../runtime/harness.js';
import { isPatterned, pair, patterned, settled } from './harness.js';

const MIB = 1024 * 1024;

async function readAll<T>(values: AsyncIterable<T>, read: T[] = []): Promise<T[]> {
  for await (const value of values) read.push(value);
  return read;
}

describeLinked('the end of a stream of values', (newCluster) => {
  it('are all read although the process of the publisher stops as soon as it has ended', async () => {
    const { cluster, writer, reader } = await pair(newCluster());
    const third = await cluster.start();
    const publisher = await third.publisher('frames', bytesCodable);
    const subscriber = await reader.subscriber('frames', bytesCodable);
    const stopped = (async () => {
      for (const mark of upTo(5)) await publisher.write(patterned(500_000, mark));
      await publisher.end();
      await third.stop();
    })();
    let count = 0;
    for await (const bytes of subscriber) expect(isPatterned(bytes, count++)).to.equal(true);
    await stopped;
    expect(count).to.equal(5);
    await settled(writer, reader);
  });

  it('may be ended by several callers, all of whom wait for the memory that a reader keeps', async () => {
    const { writer, reader } = await pair(newCluster());
    const publisher = await writer.publisher('frames', bytesCodable);
    const subscriber = await reader.subscriber('frames', bytesCodable);
    const descriptors = subscriber.descriptors();
    const [{ value: kept }] = await Promise.all([descriptors.next(), publisher.write(patterned(MIB, 1))]);
    let ended = 0;
    const ends = upTo(3).map(() => publisher.end().then(() => ended++));
    expect((await descriptors.next()).done).to.equal(true);
    ends.push(publisher.end().then(() => ended++));
    expect(ended).to.equal(0);
    kept?.dispose();
    await Promise.all(ends);
    expect(ended).to.equal(4);
    await publisher.end();
    await settled(writer, reader);
  });

  it('are read from the next publisher of the name by who subscribes while the last one ends', async () => {
    const { writer, reader } = await pair(newCluster());
    for (const how of ['end', 'close'] as const) {
      const last = await writer.publisher(how, textCodable);
      const ending = last[how]();
      const subscribing = Promise.all([reader, writer].map((runtime) => runtime.subscriber(how, textCodable)));
      await ending;
      const next = await writer.publisher(how, textCodable, { policy: 'broadcast' });
      const subscribers = await subscribing;
      const all = Promise.all(subscribers.map((subscriber) => readAll(subscriber)));
      await next.write('next');
      await next.end();
      expect(await all).to.deep.equal([['next'], ['next']]);
    }
    const last = await writer.publisher('alone', textCodable);
    const ending = last.end();
    const error = await rejection(reader.subscriber('alone', textCodable, { timeoutMs: 200 }));
    expect(error).to.be.instanceOf(AskTimeoutError);
    await ending;
    await settled(writer, reader);
  });

  it('end with a typed error for the reader when the publisher is closed, or its process stops', async () => {
    const { cluster, writer, reader } = await pair(newCluster());
    const third = await cluster.start();
    const closing = await writer.publisher('closing', textCodable);
    await third.publisher('stopping', textCodable);
    const one = await reader.subscriber('closing', textCodable);
    const two = await reader.subscriber('stopping', textCodable);
    await closing.write('last');
    await until(() => one.waiting === 1);
    await closing.close();
    const waiting = rejection(readAll(two));
    await third.stop();
    const read: string[] = [];
    expect(await rejection(readAll(one, read))).to.be.instanceOf(StoppedError);
    expect(read).to.deep.equal(['last']);
    const error = await waiting;
    expect(error instanceof StoppedError || error instanceof UnreachableError).to.equal(true);
    await settled(writer, reader);
  });
});
