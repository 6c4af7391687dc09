import { expect } from 'chai';
import { UnreachableError } from '#src/errors.js';
import { Lane } from '#src/protocol/index.js';
import type { Link } from '#src/transport/index.js';
import { numbered, numberOf } from '../compliance/peer.js';
import { rejection } from '../../support/rejection.js';
import { upTo } from '../../support/numbers.js';
import { until } from '../../support/until.js';
import { World } from './world.js';

describe('a partition of the pseudo-network', () => {
  it('holds the frames of a reliable link until it is healed, in their order', async () => {
    const world = new World({ latencyMs: 10, jitterMs: 5 });
    const { client, server } = await world.link('node-1/a', 'node-2/a');
    client.trySend(Lane.data, numbered(0));
    world.network.partition(['node-1'], ['node-2']);
    client.trySend(Lane.data, numbered(1));
    server.trySend(Lane.control, numbered(2));
    await world.reach(1_000);
    expect([...server.frames, ...client.frames]).to.deep.equal([]);
    client.trySend(Lane.data, numbered(3));
    world.network.heal();
    client.trySend(Lane.data, numbered(4));
    await server.receives(4);
    await client.receives(1);
    expect(server.framesOn(Lane.data).map(numberOf)).to.deep.equal([0, 1, 3, 4]);
    expect(world.scheduler.now()).to.be.within(1_010, 1_020);
    expect(world.events('lost')).to.deep.equal([]);
    await world.end();
  });

  it('loses the frames of an unreliable link without a word', async () => {
    const world = new World({ latencyMs: 10, duplicate: 0.000001 });
    const { client, server } = await world.link('node-1/a', 'node-2/a');
    world.network.partition(['node-1'], ['node-2']);
    for (const number of upTo(5)) client.trySend(Lane.data, numbered(number));
    await world.reach(1_000);
    world.network.heal();
    client.trySend(Lane.data, numbered(5));
    await server.receives(1);
    expect(server.framesOn(Lane.data).map(numberOf)).to.deep.equal([5]);
    expect(world.events('lost')).to.have.length(5);
    await world.end();
  });

  it('that lasts kills its links at both ends', async () => {
    const world = new World({ latencyMs: 10, linkDeadMs: 500 });
    const { client, server } = await world.link('node-1/a', 'node-2/a');
    client.trySend(Lane.data, numbered(1));
    world.network.partition(['node-1'], ['node-2']);
    await world.reach(519);
    expect([client.link.isOpen, server.link.isOpen]).to.deep.equal([true, true]);
    await world.reach(521);
    expect([await client.end(), await server.end()].map(({ kind }) => kind)).to.deep.equal(['lost', 'lost']);
    expect(world.scheduler.now()).to.be.within(521, 522);
    world.network.heal();
    await world.end();
    expect(server.frames).to.deep.equal([]);
  });

  it('in one direction holds what is sent there until it is healed, and nothing else', async () => {
    const world = new World({ latencyMs: 10 });
    const { client, server } = await world.link('node-1/a', 'node-2/a');
    const heal = world.network.partition(['node-1'], ['node-2'], { isOneWay: true });
    client.trySend(Lane.data, numbered(1));
    server.trySend(Lane.data, numbered(2));
    await client.receives(1);
    await world.reach(1_000);
    expect(server.frames).to.deep.equal([]);
    heal();
    await server.receives(1);
    expect([...client.frames, ...server.frames].map(({ bytes }) => bytes.length > 0)).to.deep.equal([true, true]);
    await world.end();
  });

  it('in one direction that lasts kills the end that hears nothing, which the other learns at once', async () => {
    const world = new World({ latencyMs: 10, linkDeadMs: 500 });
    const { client, server } = await world.link('node-1/a', 'node-2/a');
    const cutAtMs = world.scheduler.now();
    world.network.partition(['node-1'], ['node-2'], { isOneWay: true });
    const reasons = [await server.end(), await client.end()];
    expect(reasons.map(({ kind }) => kind)).to.deep.equal(['lost', 'lost']);
    expect(world.scheduler.now() - cutAtMs).to.be.closeTo(510, 1);
    world.network.heal();
    await world.end();
  });

  it('in one direction lets a hello pass, but not its answer', async () => {
    const world = new World({ latencyMs: 10, linkDeadMs: 5_000 });
    const [near, far] = [world.start('node-1/a'), world.start('node-2/a')];
    const accepted: Link[] = [];
    const address = await far.listen((link) => accepted.push(link));
    world.network.partition(['node-2'], ['node-1'], { isOneWay: true });
    expect(await rejection(near.connect(address, { timeoutMs: 300 }))).to.be.instanceOf(UnreachableError);
    expect(accepted).to.have.length(1);
    await until('the link to be closed', () => accepted[0]?.isOpen === false);
    world.network.heal();
    await world.end();
  });

  it('kills each end after its own time; when it is healed between, the other end gets what was in flight, and is lost then', async () => {
    const world = new World({ latencyMs: 10, linkDeadMs: 1_000 });
    const { client, server } = await world.link('node-1/a', 'node-2/a', { linkDeadMs: 300 });
    client.trySend(Lane.data, numbered(1));
    world.network.partition(['node-1'], ['node-2']);
    await world.reach(400);
    expect([client.link.isOpen, server.link.isOpen]).to.deep.equal([false, true]);
    expect((await client.end()).kind).to.equal('lost');
    expect(client.link.taken(Lane.data)).to.equal(0);
    world.network.heal();
    expect((await server.end()).kind).to.equal('lost');
    expect(server.framesOn(Lane.data).map(numberOf)).to.deep.equal([1]);
    await world.end();
  });

  it('kills each end after its own time when it is not healed', async () => {
    const world = new World({ latencyMs: 10, linkDeadMs: 1_000 });
    const { client, server } = await world.link('node-1/a', 'node-2/a', { linkDeadMs: 300 });
    world.network.partition(['node-1'], ['node-2']);
    await client.end();
    expect(world.scheduler.now()).to.equal(320);
    await server.end();
    expect(world.scheduler.now()).to.equal(1_020);
    await world.end();
  });

  it('kills nothing when it is healed in time, however often', async () => {
    const world = new World({ linkDeadMs: 500 });
    const { client, server } = await world.link('node-1/a', 'node-2/a');
    for (const round of upTo(5)) {
      world.network.partition(['node-1'], ['node-2']);
      await world.reach(400 * (round + 1));
      world.network.heal();
    }
    client.trySend(Lane.data, numbered(1));
    await server.receives(1);
    await world.end();
  });

  it('keeps the end of a link from the other side until it is healed', async () => {
    const world = new World({ latencyMs: 10 });
    const { client, server } = await world.link('node-1/a', 'node-2/a');
    world.network.partition(['node-1'], ['node-2']);
    client.trySend(Lane.data, numbered(1));
    client.link.close();
    await client.end();
    await world.reach(1_000);
    expect(server.link.isOpen).to.equal(true);
    world.network.heal();
    expect(await server.end()).to.deep.equal({ kind: 'closed' });
    expect(server.framesOn(Lane.data).map(numberOf)).to.deep.equal([1]);
    await world.end();
  });

  it('hides a crash until it is healed or the link is dead', async () => {
    for (const isHealed of [true, false]) {
      const world = new World({ latencyMs: 10, linkDeadMs: 500 });
      const { client } = await world.link('node-1/a', 'node-2/a');
      world.network.partition(['node-1'], ['node-2']);
      world.network.crash('node-2');
      await world.reach(400);
      expect(client.link.isOpen).to.equal(true);
      if (isHealed) world.network.heal();
      expect((await client.end()).kind).to.equal('lost');
      expect(world.scheduler.now()).to.equal(isHealed ? 410 : 520);
      await world.end();
    }
  });

  it('makes connecting fail at its deadline', async () => {
    const world = new World({ latencyMs: 10 });
    const { client } = await world.link('node-1/a', 'node-2/a');
    world.network.partition(['node-1'], ['node-2']);
    const error = await rejection(client.transport.connect('memory://node-2/a/0', { timeoutMs: 100 }));
    expect(error).to.be.instanceOf(UnreachableError).with.property('message').that.includes('100 ms');
    expect(world.scheduler.now()).to.equal(120);
    await world.end();
  });

  it('delays connecting when it is healed before the deadline', async () => {
    const world = new World({ latencyMs: 10 });
    const { client } = await world.link('node-1/a', 'node-2/a');
    world.network.partition(['node-1'], ['node-2']);
    const connecting = client.transport.connect('memory://node-2/a/0', { timeoutMs: 1_000 });
    await world.reach(500);
    world.network.heal();
    expect((await connecting).isOpen).to.equal(true);
    expect(world.scheduler.now()).to.equal(520);
    await world.end();
  });

  it('cuts only what it names', async () => {
    const world = new World();
    const near = await world.link('node-1/a', 'node-1/b');
    const far = await world.link('node-1/c', 'node-2/a');
    const other = await world.link('node-1/d', 'node-2/b');
    world.network.partition(['node-1/c'], ['node-2', 'node-1/b']);
    for (const { client } of [near, far, other]) client.trySend(Lane.data, numbered(1));
    await world.reach(100);
    expect([near, far, other].map(({ server }) => server.frames.length)).to.deep.equal([1, 0, 1]);
    await world.end();
  });
});
