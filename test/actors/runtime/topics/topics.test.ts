import { expect } from 'chai';
import { ConfigError, ProtocolError } from '#src/errors.js';
import type { Topic } from '#src/actors/runtime/index.js';
import { upTo } from '../../../support/numbers.js';
import { rejection } from '../../../support/rejection.js';
import { describeRuntime, until } from '../harness.js';
import { Row } from '../row.js';

type Rows = Topic<Row, Partial<Row>>;

async function known(topic: Rows, subscribers: number): Promise<void> {
  await until(() => topic.subscribers === subscribers);
}

describeRuntime({ title: 'a topic', linked: true }, (start) => {
  it('brings what any process publishes to all subscribers, in order', async () => {
    const { runtime, cluster } = await start();
    const other = await cluster.start();
    const [here, there] = [await runtime.topic(Row, 'rows'), await other.topic(Row, 'rows')];
    expect(here.publish({ id: 99 })).to.equal(true);
    expect(runtime.deadLetters.count).to.equal(0);
    const seen: number[][] = [[], [], []];
    await here.subscribe(({ id, key }) => seen[0]?.push(id + key.length));
    await there.subscribe(({ id }) => seen[1]?.push(id));
    await using third = await there.subscribe(({ id }) => seen[2]?.push(id));
    for (const topic of [here, there]) await known(topic, 3);
    for (const id of upTo(50)) await publish(id % 2 === 0 ? here : there, id);
    await until(() => seen.every(({ length }) => length === 50));
    for (const ids of seen) {
      for (const rest of [0, 1]) {
        const ofOne = ids.filter((id) => id % 2 === rest);
        expect(ofOne).to.deep.equal(ofOne.toSorted((one, another) => one - another));
      }
    }
    await third.close();
    await known(here, 2);
    here.publish({ id: 1_000 });
    await until(() => seen[1]?.at(-1) === 1_000);
    expect(seen[2]).to.have.length(50);
  });

  it('has topics of other types and names beside it', async () => {
    const { runtime } = await start();
    const [one, two] = [await runtime.topic(Row, 'one'), await runtime.topic(Row, 'two')];
    const seen: number[] = [];
    await one.subscribe(({ id }) => seen.push(id));
    await two.subscribe(({ id }) => seen.push(-id));
    await known(one, 1);
    await known(two, 1);
    one.publish({ id: 1 });
    two.publish({ id: 2 });
    await until(() => seen.length === 2);
    expect(seen).to.have.members([1, -2]);
    expect((await runtime.topic(Row, 'one')).subscribers).to.equal(1);
  });

  it('is read by a loop, which holds the publisher back while it is busy', async () => {
    const { runtime } = await start();
    const topic = await runtime.topic(Row, 'rows');
    const read: number[] = [];
    const loop = (async () => {
      for await (const { id } of topic.messages({ windowItems: 2, capacity: 8 })) {
        read.push(id);
        if (read.length === 100) break;
      }
    })();
    await known(topic, 1);
    for (const id of upTo(100)) await publish(topic, id);
    await loop;
    expect(read).to.deep.equal(upTo(100));
    expect(topic.missed).to.equal(0);
    await known(topic, 0);
  });

  it('counts what a subscriber misses whose mailbox is full, and others get it', async () => {
    const { runtime } = await start();
    const topic = await runtime.topic(Row, 'rows');
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    let [slow, quick] = [0, 0];
    await topic.subscribe(
      async () => {
        await gate;
        slow++;
      },
      { capacity: 4 },
    );
    await topic.subscribe(() => void quick++);
    await known(topic, 2);
    const accepted = upTo(20).filter((id) => topic.publish({ id }));
    expect(accepted.length).to.be.lessThan(20);
    expect(topic.missed).to.be.greaterThan(0);
    open();
    await topic.ready();
    await until(() => quick === 20 && slow === 20 - topic.missed);
  });

  it('goes on after a handler that throws, and ends with its runtime', async () => {
    const { runtime, cluster } = await start();
    const other = await cluster.start();
    const topic = await other.topic(Row, 'rows');
    const seen: number[] = [];
    await topic.subscribe(({ id }) => {
      if (id === 1) throw new Error('one is refused');
      seen.push(id);
    });
    const rest: number[] = [];
    const loop = (async () => {
      for await (const { id } of topic.messages()) rest.push(id);
    })();
    const publisher = await runtime.topic(Row, 'rows');
    await known(publisher, 2);
    for (const id of upTo(3)) publisher.publish({ id });
    await until(() => seen.length === 2 && rest.length === 3);
    await other.stop();
    await loop;
    expect(rest).to.deep.equal([0, 1, 2]);
    await known(publisher, 0);
    expect(publisher.publish({ id: 4 })).to.equal(true);
  });

  it('refuses what is no message or no type', async () => {
    const { runtime } = await start();
    const untyped = (value: unknown): never => value as never;
    const topic = await runtime.topic(Row, 'rows');
    expect(() => topic.publish(untyped(5))).to.throw(ProtocolError);
    expect(await rejection(runtime.topic(untyped({}), 'rows'))).to.be.instanceOf(ConfigError);
    for (const name of ['', '\ud800']) expect(await rejection(runtime.topic(Row, name))).to.be.instanceOf(ConfigError);
  });
});

async function publish(topic: Rows, id: number): Promise<void> {
  if (!topic.publish({ id, key: '' })) await topic.ready();
}
