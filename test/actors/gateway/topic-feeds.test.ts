import { expect } from 'chai';
import { TopicFeeds, TopicReader } from '#src/actors/gateway/topic-feeds.js';
import type { Runtime } from '#src/actors/runtime/index.js';
import { Deferred } from '#src/deferred.js';
import { UnreachableError } from '#src/errors.js';
import { rejection } from '../../support/rejection.js';
import { Row } from '../runtime/row.js';

describe('the topics that a gateway reads for clients', () => {
  it('end with their last reader, also where a subscription before them has failed late', async () => {
    const subscriptions: Deferred<{ close: () => Promise<void> }>[] = [];
    const topic = {
      subscribe: () => {
        const subscription = new Deferred<{ close: () => Promise<void> }>();
        subscriptions.push(subscription);
        return subscription.promise;
      },
    };
    const feeds = new TopicFeeds({ topic: () => Promise.resolve(topic) } as unknown as Runtime);
    const [first, second] = [new TopicReader(4), new TopicReader(4)];
    const failed = rejection(feeds.open(Row, 'rows', first));
    const left = feeds.close(Row, 'rows', first);
    const opened = feeds.open(Row, 'rows', second);
    await Promise.resolve();
    subscriptions[0]?.reject(new UnreachableError('late'));
    expect(await failed).to.be.instanceOf(UnreachableError);
    await left;
    let closed = 0;
    subscriptions[1]?.resolve({ close: () => Promise.resolve(void closed++) });
    await opened;
    await feeds.close(Row, 'rows', second);
    expect(closed).to.equal(1);
  });
});
