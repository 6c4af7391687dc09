import { expect } from 'chai';
import { ConfigError } from '#src/errors.js';
import { Lane } from '#src/protocol/index.js';
import { VirtualScheduler } from '#src/scheduler/index.js';
import { MemoryNetwork } from '#src/transport/memory/index.js';
import { numbered, numberOf } from '../compliance/peer.js';
import { upTo } from '../../support/numbers.js';
import { World } from './world.js';

describe('faults of the pseudo-network', () => {
  it('latency is the time that connecting takes twice and a frame once', async () => {
    const world = new World({ latencyMs: 10 });
    const { client, server } = await world.link('node-1/a', 'node-2/a');
    expect(world.scheduler.now()).to.equal(20);
    let arrivedMs = 0;
    server.onFrame = () => {
      arrivedMs = world.scheduler.now();
    };
    client.trySend(Lane.data, numbered(1));
    await server.receives(1);
    expect(arrivedMs).to.equal(30);
    await world.end();
  });

  it('without latency no time passes', async () => {
    const world = new World();
    const { client, server } = await world.link('node-1/a', 'node-2/a');
    client.trySend(Lane.data, numbered(1));
    await server.receives(1);
    expect(world.scheduler.now()).to.equal(0);
    await world.end();
  });

  it('jitter keeps the order of a lane, and only that', async () => {
    const world = new World({ latencyMs: 1, jitterMs: 50 });
    const { client, server } = await world.link('node-1/a', 'node-2/a');
    const lanes = upTo(100).map((number) => (number % 2 === 0 ? Lane.data : Lane.control));
    for (const number of upTo(100)) {
      await world.reach(world.scheduler.now() + 1);
      client.trySend(number % 2 === 0 ? Lane.data : Lane.control, numbered(number));
    }
    await server.receives(100);
    expect(server.framesOn(Lane.data).map(numberOf)).to.deep.equal(upTo(100).filter((n) => n % 2 === 0));
    expect(server.framesOn(Lane.control).map(numberOf)).to.deep.equal(upTo(100).filter((n) => n % 2 === 1));
    expect(server.frames.map((frame) => frame.lane)).to.not.deep.equal(lanes);
    expect(client.link.isReliable).to.equal(true);
    await world.end();
  });

  it('loss takes about its share of the frames, keeps the order of the others and gives credit back', async () => {
    const world = new World({ loss: 0.1, latencyMs: 1 });
    const { client, server } = await world.link('node-1/a', 'node-2/a');
    for (const number of upTo(1_000)) await client.send(Lane.data, numbered(number, 10_000));
    client.link.close();
    await server.end();
    const numbers = server.framesOn(Lane.data).map(numberOf);
    expect(numbers.length).to.be.within(850, 950);
    expect(numbers).to.deep.equal(numbers.toSorted((a, b) => a - b));
    expect(new Set(numbers).size).to.equal(numbers.length);
    expect(world.events('lost')).to.have.length(1_000 - numbers.length);
    expect([client.link.isReliable, server.link.isReliable]).to.deep.equal([false, false]);
    await world.end();
  });

  it('total loss still opens and closes links', async () => {
    const world = new World({ loss: 1 });
    const { client, server } = await world.link('node-1/a', 'node-2/a');
    for (const number of upTo(100)) await client.send(Lane.data, numbered(number, 60_000));
    client.link.close();
    expect(await server.end()).to.deep.equal({ kind: 'closed' });
    expect(server.frames).to.have.length(0);
    await world.end();
  });

  it('duplication delivers frames twice, whole each time', async () => {
    const world = new World({ duplicate: 0.2, latencyMs: 1 });
    const { client, server } = await world.link('node-1/a', 'node-2/a');
    for (const number of upTo(500)) await client.send(Lane.data, numbered(number));
    client.link.close();
    await server.end();
    const twice = world.events('duplicated').length;
    expect(twice).to.be.within(60, 140);
    expect(server.frames).to.have.length(500 + twice);
    expect(new Set(server.framesOn(Lane.data).map(numberOf)).size).to.equal(500);
    for (const { bytes } of server.frames) expect(bytes).to.deep.equal(numbered(numberOf(bytes)));
    expect(client.link.isReliable).to.equal(false);
    await world.end();
  });

  it('reordering lets frames of one lane overtake one another, and loses none', async () => {
    const world = new World({ reorder: 0.2, latencyMs: 1 });
    const { client, server } = await world.link('node-1/a', 'node-2/a');
    for (const number of upTo(500)) client.trySend(Lane.data, numbered(number));
    await server.receives(500);
    const numbers = server.framesOn(Lane.data).map(numberOf);
    expect(numbers).to.not.deep.equal(upTo(500));
    expect(numbers.toSorted((a, b) => a - b)).to.deep.equal(upTo(500));
    expect(client.link.isReliable).to.equal(false);
    await world.end();
  });

  it('one pair may have faults of its own', async () => {
    const world = new World({ latencyMs: 1 });
    world.network.override('node-1', 'node-2/a', { latencyMs: 100, loss: 1 });
    const far = await world.link('node-1/a', 'node-2/a');
    expect(world.scheduler.now()).to.equal(200);
    expect(far.client.link.isReliable).to.equal(false);
    const near = await world.link('node-1/b', 'node-2/b');
    expect(world.scheduler.now()).to.equal(202);
    expect(near.client.link.isReliable).to.equal(true);
    await world.end();
  });

  it('options out of range are refused, by name', () => {
    const scheduler = new VirtualScheduler({ seed: 7 });
    const wrong = [
      ['loss', 1.5],
      ['loss', Number.NaN],
      ['duplicate', -0.1],
      ['reorder', Number.POSITIVE_INFINITY],
      ['latencyMs', -1],
      ['jitterMs', Number.NaN],
      ['linkDeadMs', Number.POSITIVE_INFINITY],
    ] as const;
    for (const [name, value] of wrong) {
      expect(() => new MemoryNetwork({ scheduler, [name]: value }), name).to.throw(ConfigError, name);
    }
    const network = new MemoryNetwork({ scheduler });
    expect(() => network.override('node-1', 'node-2', { loss: 2 })).to.throw(ConfigError, 'loss');
    expect(() => network.override('node-1', 'a b', {})).to.throw(ConfigError, 'a b');
    for (const name of ['', 'a/b', 'a b', 'a,b']) {
      expect(() => network.transport({ node: name, process: 'a' }), name).to.throw(ConfigError);
      expect(() => network.transport({ node: 'a', process: name }), name).to.throw(ConfigError);
    }
  });
});
