import { expect } from 'chai';
import { ConfigError, StoppedError, UnreachableError } from '#src/errors.js';
import { Lane } from '#src/protocol/index.js';
import { numbered } from '../compliance/peer.js';
import { rejection } from '../../support/rejection.js';
import { upTo } from '../../support/numbers.js';
import { World } from './world.js';

describe('a crash on the pseudo-network', () => {
  it('ends the links of peers as lost one latency later, and loses frames in flight', async () => {
    const world = new World({ latencyMs: 10 });
    const { client, server } = await world.link('node-1/a', 'node-2/a');
    server.trySend(Lane.data, numbered(1));
    await world.reach(25);
    world.network.crash('node-2');
    expect(client.link.isOpen).to.equal(true);
    const reason = await client.end();
    expect(reason).to.deep.include({ kind: 'lost' });
    expect(world.scheduler.now()).to.be.within(35, 36);
    expect(client.frames).to.deep.equal([]);
    await world.end();
  });

  it('is told to the owner of the process, and to nothing else of it', async () => {
    const world = new World();
    const { client, server } = await world.link('node-1/a', 'node-2/a');
    client.trySend(Lane.data, numbered(1));
    world.network.crash('node-2/a');
    expect(world.crashed).to.deep.equal(['node-2/a']);
    expect(server.link.isOpen).to.equal(false);
    expect(server.trySend(Lane.data, numbered(1))).to.equal(false);
    await client.end();
    expect([server.frames, server.closed]).to.deep.equal([[], []]);
    expect(await rejection(server.transport.connect('memory://node-1/a/0', { timeoutMs: 10 }))).to.be.instanceOf(
      StoppedError,
    );
    await world.end();
  });

  it('is not told to the crashed end, even when it had just closed', async () => {
    const world = new World();
    const { client, server } = await world.link('node-1/a', 'node-2/a');
    server.link.close();
    world.network.crash('node-2');
    expect((await client.end()).kind).to.equal('lost');
    expect(server.closed).to.deep.equal([]);
    await world.end();
  });

  it('of a node takes all its processes, of a process only itself', async () => {
    const world = new World();
    const one = await world.link('node-1/a', 'node-2/a');
    const other = await world.link('node-1/b', 'node-2/b');
    world.network.crash('node-2/a');
    expect((await one.client.end()).kind).to.equal('lost');
    expect(other.client.link.isOpen).to.equal(true);
    world.network.crash('node-2');
    expect((await other.client.end()).kind).to.equal('lost');
    expect(world.crashed).to.deep.equal(['node-2/a', 'node-2/b']);
    await world.end();
  });

  it('of both ends leaves nothing of their link', async () => {
    const world = new World({ latencyMs: 5 });
    const { client, server } = await world.link('node-1/a', 'node-1/b');
    client.trySend(Lane.data, numbered(1));
    world.network.crash('node-1');
    expect(world.network.statistics.openLinks).to.equal(0);
    expect([...client.closed, ...server.closed]).to.deep.equal([]);
    await world.end();
  });

  it('fails whoever is connecting, and refuses whoever tries', async () => {
    const world = new World({ latencyMs: 10 });
    const { client } = await world.link('node-1/a', 'node-2/a');
    const connect = (): Promise<unknown> =>
      rejection(client.transport.connect('memory://node-2/a/0', { timeoutMs: 1_000 }));
    const going = connect();
    await world.reach(25);
    world.network.crash('node-2');
    expect(await going).to.be.instanceOf(UnreachableError);
    expect(await connect()).to.be.instanceOf(UnreachableError);
    expect(world.scheduler.now()).to.be.below(100);
    await world.end();
  });

  it('is over with a restart: new processes, at the same addresses', async () => {
    const world = new World();
    const { client, server } = await world.link('node-1/a', 'node-2/a');
    world.network.crash('node-2');
    expect(() => world.start('node-2/a')).to.throw(UnreachableError, 'restart');
    world.network.restart('node-2');
    const again = world.start('node-2/a');
    const address = await again.listen(() => {});
    expect(address).to.equal('memory://node-2/a/0');
    const link = await client.transport.connect(address, { timeoutMs: 10 });
    expect(link.peerAddress).to.equal(address);
    // What the old process closes late is not the new one's.
    await server.transport.close();
    await client.transport.connect(address, { timeoutMs: 10 });
    await world.end();
  });

  it('needs a name that was on the network, and a restart one that is down', async () => {
    const world = new World();
    await world.link('node-1/a', 'node-2/a');
    expect(() => world.network.crash('node-3')).to.throw(ConfigError, 'node-1, node-2');
    expect(() => world.network.crash('node-1/b')).to.throw(ConfigError, 'node-1/b');
    expect(() => world.network.restart('node-1')).to.throw(ConfigError, 'node-1');
    await world.end();
  });

  it('hits whoever is in the midst of a frame', async () => {
    const world = new World({ latencyMs: 1 });
    const { client, server } = await world.link('node-1/a', 'node-2/a');
    server.onFrame = () => world.network.crash('node-2');
    for (const number of upTo(5)) client.trySend(Lane.data, numbered(number));
    expect((await client.end()).kind).to.equal('lost');
    expect(server.frames).to.have.length(1);
    await world.end();
  });
});
