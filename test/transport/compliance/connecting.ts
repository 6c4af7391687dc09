import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { ConfigError, StoppedError, UnreachableError } from '#src/errors.js';
import { Lane } from '#src/protocol/index.js';
import type { Link } from '#src/transport/index.js';
import type { Bench } from '../compliance.js';
import { upTo } from '../../support/numbers.js';
import { someTurns, until } from '../../support/until.js';
import { numbered, openPair, Peer } from './peer.js';
import { rejection } from '../../support/rejection.js';

/** Links at once. */
const MANY = 16;

export function describeConnecting(bench: Bench): void {
  describe('connecting', () => {
    it('opens a link at both ends', async () => {
      const { client, server } = await openPair(bench);
      expect(client.link.isOpen).to.equal(true);
      expect(server.link.isOpen).to.equal(true);
      expect(client.link.isReliable).to.equal(server.link.isReliable);
      expect(client.link.peerAddress).to.be.a('string').and.not.equal('');
    });

    it('says what carries the link, the same at both ends', async () => {
      const { client, server } = await openPair(bench);
      expect(client.link.carrier.transport).to.equal(client.transport.name);
      expect(server.link.carrier).to.deep.equal(client.link.carrier);
    });

    it('names the address that was connected to', async () => {
      const [near, far] = [await bench.create(), await bench.create()];
      const address = await far.listen((link) => new Peer(far, link));
      const link = await near.connect(address, { timeoutMs: 30_000 });
      new Peer(near, link);
      expect(link.peerAddress).to.equal(address);
    });

    it('gives every link of a transport another id, also to the same peer', async () => {
      const [near, far] = [await bench.create(), await bench.create()];
      const address = await far.listen((link) => new Peer(far, link));
      const links = await Promise.all(upTo(3).map(() => near.connect(address, { timeoutMs: 30_000 })));
      for (const link of links) new Peer(near, link);
      expect(new Set(links.map((link) => link.id)).size).to.equal(3);
    });

    it('lets the server send before the client has its link', async () => {
      const [near, far] = [await bench.create(), await bench.create()];
      const address = await far.listen((link) => new Peer(far, link).trySend(Lane.data, numbered(1)));
      const client = new Peer(near, await near.connect(address, { timeoutMs: 30_000 }));
      await client.receives(1);
      expect(client.frames[0]?.bytes).to.deep.equal(numbered(1));
    });

    it('is refused where nothing listens', async () => {
      const near = await bench.create();
      const address = await bench.fixture().refusedAddress();
      const error = await rejection(near.connect(address, { timeoutMs: 60_000 }));
      expect(error).to.be.instanceOf(UnreachableError);
      expect(error).to.have.property('message').that.includes(address);
    });

    it('is refused by a listener that has closed', async () => {
      const [near, far] = [await bench.create(), await bench.create()];
      const address = await far.listen((link) => new Peer(far, link));
      await far.close();
      expect(await rejection(near.connect(address, { timeoutMs: 1_000 }))).to.be.instanceOf(UnreachableError);
    });

    it('is refused for an address that makes no sense', async () => {
      const near = await bench.create();
      expect(await rejection(near.connect('nonsense', { timeoutMs: 1_000 }))).to.be.instanceOf(UnreachableError);
    });

    it('fails at the deadline, not before, when no answer comes', async () => {
      const near = await bench.create();
      const address = await bench.fixture().silentAddress();
      const { scheduler } = bench.fixture();
      const beganMs = scheduler.now();
      expect(await rejection(near.connect(address, { timeoutMs: 30 }))).to.be.instanceOf(UnreachableError);
      expect(scheduler.now() - beganMs).to.be.within(30, 1_000);
    });

    it('ends when its signal is aborted, before or meanwhile', async () => {
      const near = await bench.create();
      const address = await bench.fixture().silentAddress();
      const reason = new Error('changed my mind');
      const aborted = near.connect(address, { timeoutMs: 60_000, signal: AbortSignal.abort(reason) });
      expect(await rejection(aborted))
        .to.be.instanceOf(UnreachableError)
        .with.property('cause', reason);
      const controller = new AbortController();
      const pending = rejection(near.connect(address, { timeoutMs: 60_000, signal: controller.signal }));
      controller.abort(reason);
      expect(await pending)
        .to.be.instanceOf(UnreachableError)
        .with.property('cause', reason);
    });

    it('leaves no listener on the signal, however it went', async () => {
      const [near, far] = [await bench.create(), await bench.create()];
      const address = await far.listen((link) => new Peer(far, link));
      const { signal } = new AbortController();
      new Peer(near, await near.connect(address, { timeoutMs: 30_000, signal }));
      await rejection(near.connect(await bench.fixture().refusedAddress(), { timeoutMs: 30_000, signal }));
      expect(getEventListeners(signal, 'abort')).to.deep.equal([]);
    });

    it('leaves no half-open link when it is aborted on the way', async () => {
      const [near, far] = [await bench.create(), await bench.create()];
      const accepted: Peer[] = [];
      const controller = new AbortController();
      const address = await far.listen((link) => {
        accepted.push(new Peer(far, link));
        controller.abort();
      });
      await rejection(near.connect(address, { timeoutMs: 30_000, signal: controller.signal }));
      await until('the server to learn it', () => accepted.every((peer) => !peer.link.isOpen));
    });

    it('ends when its transport closes', async () => {
      const near = await bench.create();
      const address = await bench.fixture().silentAddress();
      const pending = rejection(near.connect(address, { timeoutMs: 60_000 }));
      await near.close();
      expect(await pending).to.be.instanceOf(StoppedError);
    });

    it('refuses to listen twice, and anything once closed', async () => {
      const near = await bench.create();
      const address = await near.listen((link: Link) => new Peer(near, link));
      expect(await rejection(near.listen(() => {}))).to.be.instanceOf(ConfigError);
      await near.close();
      await near.close();
      expect(await rejection(near.listen(() => {}))).to.be.instanceOf(StoppedError);
      expect(await rejection(near.connect(address, { timeoutMs: 10 }))).to.be.instanceOf(StoppedError);
    });

    it('holds many links at once, each to its own peer', async () => {
      const hub = await bench.create();
      const accepted: Peer[] = [];
      const address = await hub.listen((link) => {
        const peer = new Peer(hub, link);
        peer.onFrame = (lane, bytes) => void peer.trySend(lane, bytes);
        accepted.push(peer);
      });
      const clients: Peer[] = [];
      for (const number of upTo(MANY)) {
        const transport = await bench.create();
        const client = new Peer(transport, await transport.connect(address, { timeoutMs: 30_000 }));
        await client.send(Lane.data, numbered(number));
        clients.push(client);
      }
      await Promise.all(clients.map((client) => client.receives(1)));
      await someTurns();
      expect(clients.map((client) => client.framesOn(Lane.data))).to.deep.equal(upTo(MANY).map((n) => [numbered(n)]));
      expect(accepted).to.have.length(MANY);
    });
  });
}
