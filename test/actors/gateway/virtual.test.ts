import { expect } from 'chai';
import { type ClientRef, clientRef } from '#src/client/client-ref.js';
import {
  AskAbortedError,
  AskTimeoutError,
  ConfigError,
  ConsumedError,
  HandlerError,
  ProtocolError,
  RefusedError,
  StoppedError,
  UnreachableError,
} from '#src/errors.js';
import { Timestamp } from '#src/protocol/index.js';
import type { VirtualCluster } from '#src/testing/index.js';
import { Row } from '../runtime/row.js';
import { Depot, Errands, Listing } from '../transport/errands.js';
import { upTo } from '../../support/numbers.js';
import { millraceRejection, rejection } from '../../support/rejection.js';
import { MemoryGateway } from './memory-pair.js';
import { Stall } from './stall.js';
import { VirtualWorld } from './virtual-world.js';

for (const nodes of [1, 2])
  describe(`a client and its gateway, on virtual time, with ${nodes} nodes,`, () => {
    let world: VirtualWorld;
    let cluster: VirtualCluster;
    let stall: Stall;

    beforeEach(async () => {
      world = await VirtualWorld.start(nodes);
      ({ cluster, stall } = world);
    });
    afterEach(() => world.stop());

    it('asks, tells in order, and reads a stream, and the handler learns who the client is', async () => {
      const { ref } = await world.found();
      for (const value of upTo(50)) expect(ref.push({ value })).to.equal(true);
      expect((await ref.run({ value: 1 })).value).to.equal(2);
      expect(stall.pushed).to.deep.equal(upTo(50));
      expect(stall.clients).to.deep.equal(['page']);
      const values: number[] = [];
      for await (const { value } of ref.list({ value: 40 }, { windowItems: 4 })) values.push(value);
      expect(values).to.deep.equal(upTo(40));
      expect([ref.name, ref.service]).to.deep.equal(['stall', Listing]);
    });

    it('gives typed errors, and nothing of the server but what its handlers refuse', async () => {
      const { client, ref } = await world.found();
      const refused = await millraceRejection(ref.run({ value: 13 }));
      expect(refused).to.be.instanceOf(RefusedError).with.property('reason', 'UNLUCKY');
      expect(refused instanceof RefusedError && refused.detail?.as(Timestamp)?.seconds).to.equal(13n);
      const failed = await millraceRejection(ref.run({ value: 14 }));
      expect(failed)
        .to.be.instanceOf(HandlerError)
        .with.property('message', 'The handler of test.Listing.Run has failed.');
      expect(`${failed.stack} ${String(failed.cause)}`).to.not.include('password');
      const late = await rejection(ref.run({ value: 99 }, { timeoutMs: 200 }));
      expect(late).to.be.instanceOf(AskTimeoutError);
      const forbidden = [
        client.lookup(Listing, 'safe'),
        client.lookup(Errands, 'stall'),
        client.subscribe(Row, 'secrets').next(),
        client.subscribe(Timestamp, 'rows').next(),
      ];
      for (const each of forbidden) {
        expect(await rejection(each))
          .to.be.instanceOf(RefusedError)
          .with.property('reason', 'FORBIDDEN');
      }
      expect(world.gateway.refusals).to.have.length(4);
      expect(world.gateway.refusals[0]).to.equal('page at memory: the actor "safe"');
      const nobody = await rejection(client.lookup(Listing, 'late', { timeoutMs: 15_000 }));
      expect(nobody).to.be.instanceOf(AskTimeoutError);
      stall.gate.resolve();
    });

    it('waits for a name that no actor has yet, and follows it to another actor', async () => {
      const client = await world.connect();
      const runtime = world.far;
      const looking = client.lookup(Listing, 'late', { timeoutMs: 60_000 });
      await cluster.pass(25_000);
      const first = runtime.spawn(stall.behavior);
      await runtime.register('late', first);
      const ref = await looking;
      expect((await ref.run({ value: 1 })).value).to.equal(2);
      await runtime.stopActor(first);
      const second = new Stall();
      await runtime.register('late', runtime.spawn(second.behavior));
      await cluster.pass(1_100);
      ref.push({ value: 7 });
      await ref.run({ value: 1 });
      expect(second.pushed).to.deep.equal([7]);
    });

    it('tells of a tell that was not delivered', async () => {
      const { client, ref } = await world.found();
      const undelivered: string[] = [];
      client.onUndelivered(({ method, error }) => undelivered.push(`${method.fullName} ${error.code}`));
      const runtime = world.far;
      await runtime.stopActor(await runtime.lookup(Listing, 'stall'));
      await cluster.pass(1_100);
      expect(ref.push({ value: 1 })).to.equal(true);
      await cluster.pass(11_000);
      expect(undelivered).to.deep.equal(['test.Listing.Push ASK_TIMEOUT']);
    });

    it('runs a stream no further than its reader has granted, and ends it when the reader leaves', async () => {
      const { client, ref } = await world.found();
      const stream = ref.list({ value: 1_000 }, { windowItems: 4 });
      expect((await stream.next()).value?.value).to.equal(0);
      await cluster.pass(10_000);
      expect(stall.listing).to.equal(1);
      await stream.return();
      await cluster.pass(100);
      expect(stall.listing).to.equal(0);
      expect(() => stream[Symbol.asyncIterator]()).to.throw(ConsumedError);
      const aborting = new AbortController();
      const aborted = ref.list({ value: 1_000 }, { signal: aborting.signal });
      await aborted.next();
      aborting.abort();
      expect(await rejection(aborted.next())).to.be.instanceOf(AskAbortedError);
      const asked = ref.run({ value: 99 }, { signal: AbortSignal.abort() });
      expect(await rejection(asked)).to.be.instanceOf(AskAbortedError);
      await cluster.pass(100);
      expect([stall.listing, world.gateway.clients.calls, client.state]).to.deep.equal([0, 0, 'open']);
    });

    it('reads a topic, and counts what it is too slow for', async () => {
      const client = await world.connect();
      const runtime = world.far;
      const topic = await runtime.topic(Row, 'rows');
      const rows = client.subscribe(Row, 'rows', { timeoutMs: Number.POSITIVE_INFINITY, windowItems: 2 });
      const first = rows.next();
      await cluster.until(() => topic.subscribers === 1);
      for (const id of upTo(301)) topic.publish({ id });
      const seen = [(await first).value?.id];
      while (seen.at(-1) !== 300) seen.push((await rows.next()).value?.id);
      // The newest 256 were kept.
      expect(seen).to.deep.equal(upTo(301).slice(-256));
      expect(rows.missed).to.equal(301 - 256);
      topic.publish({ id: 301 });
      expect([(await rows.next()).value?.id, rows.missed]).to.deep.equal([301, 45]);
      await rows.return();
      await cluster.until(() => topic.subscribers === 0);
    });

    it('fails the calls of a lost connection, repeats none, and goes on', async () => {
      const { client, ref } = await world.found();
      const states: string[] = [];
      client.onState((state) => states.push(state));
      const [asked, listed] = [rejection(ref.run({ value: 99 })), ref.list({ value: 1_000 })];
      await listed.next();
      world.socket.break();
      expect(await asked)
        .to.be.instanceOf(UnreachableError)
        .with.property('isUnsent', false);
      const rest = (async () => {
        for await (const _each of listed);
      })();
      expect(await rejection(rest)).to.be.instanceOf(UnreachableError);
      expect(client.state).to.equal('waiting');
      expect(() => ref.push({ value: 1 })).to.throw(UnreachableError, 'was not sent');
      // Sent when there is a connection again.
      expect((await ref.run({ value: 1 })).value).to.equal(2);
      expect(states).to.deep.equal(['waiting', 'connecting', 'open']);
      expect(stall.clients).to.have.length(2);
      expect(stall.pushed).to.deep.equal([]);
    });

    it('says why it waits, tries again and again, and gives up a call at its deadline', async () => {
      const { client, ref } = await world.found({ longestBackOffMs: 1_000 });
      world.gateway.isDown = true;
      world.socket.break();
      const error = await millraceRejection(ref.run({ value: 1 }, { timeoutMs: 10_000 }));
      expect(error).to.be.instanceOf(UnreachableError).with.property('isUnsent', true);
      expect(error.message).to.include('nobody listens');
      expect(client.error?.message).to.include('nobody listens');
      expect(world.gateway.sockets.length).to.be.within(10, 30);
      world.gateway.isDown = false;
      expect((await ref.run({ value: 1 })).value).to.equal(2);
    });

    it('gives up a connection whose gateway is silent, as after a sleep, and connects again', async () => {
      const { client, ref } = await world.found();
      const asked = rejection(ref.run({ value: 99 }, { timeoutMs: 600_000 }));
      world.socket.isCut = true;
      expect(await asked)
        .to.be.instanceOf(UnreachableError)
        .with.property('message')
        .that.includes('has said nothing for');
      await cluster.until(() => client.state === 'open');
      // The gateway has noticed, too: nobody has answered its pings.
      await cluster.pass(70_000);
      expect(world.gateway.refusals.join()).to.include('it was silent for 30000 ms');
      expect(world.gateway.clients.authenticated).to.equal(1);
    });

    it('stays connected for hours with nothing to say', async () => {
      const { client, ref } = await world.found();
      await cluster.pass(7_200_000);
      expect((await ref.run({ value: 1 })).value).to.equal(2);
      expect([client.state, world.gateway.sockets.length]).to.deep.equal(['open', 1]);
    });

    it('goes away politely: new calls go to its successor, asks and streams end where they began', async () => {
      const { client, ref } = await world.found();
      const [asked, listed] = [ref.run({ value: 99 }), ref.list({ value: 100 }, { windowItems: 4 })];
      await listed.next();
      const subscribed = rejection(client.subscribe(Row, 'rows', { timeoutMs: 60_000 }).next());
      await cluster.pass(100);
      const former = world.gateway.replace();
      const gone = former.goAway();
      expect(await subscribed).to.be.instanceOf(UnreachableError);
      expect((await ref.run({ value: 1 })).value, 'with the time of every ask').to.equal(2);
      expect(client.state).to.equal('open');
      expect(world.socket).to.not.equal(world.gateway.sockets[0]);
      const rest: number[] = [];
      for await (const { value } of listed) rest.push(value);
      expect(rest).to.deep.equal(upTo(100).slice(1));
      stall.gate.resolve();
      expect((await asked).value).to.equal(100);
      await gone;
      await cluster.pass(100);
      expect(world.gateway.sockets[0]?.end?.code).to.equal(1001);
      expect([former.authenticated, world.gateway.clients.authenticated]).to.deep.equal([0, 1]);
    });

    it('goes away and is lost, or the client closes or gives up meanwhile: no call waits for ever', async () => {
      const { client, ref } = await world.found();
      const stream = ref.list({ value: 1_000 }, { timeoutMs: Number.POSITIVE_INFINITY });
      await stream.next();
      const lost = rejection(ref.run({ value: 99 }, { timeoutMs: 600_000 }));
      await cluster.pass(50);
      const first = world.gateway.replace();
      void first.goAway();
      await cluster.until(() => world.gateway.clients.authenticated === 1);
      await stream.return();
      await cluster.until(() => stall.listing === 0);
      const [old] = world.gateway.sockets;
      if (old !== undefined) old.isCut = true;
      expect(await lost)
        .to.be.instanceOf(UnreachableError)
        .with.property('message')
        .that.includes('has said nothing');
      first.cutAll();
      const closing = rejection(ref.run({ value: 99 }, { timeoutMs: 600_000 }));
      await cluster.pass(50);
      const second = world.gateway.replace();
      void second.goAway();
      await cluster.pass(1_000);
      client.close();
      expect(await closing).to.be.instanceOf(StoppedError);
      await cluster.pass(100);
      expect(second.authenticated).to.equal(0);
    });

    it('refuses a wrong token for good, and a token that has expired until there is another one', async () => {
      const error = await rejection(world.connect({ token: 'another token of the same kind' }));
      expect(error).to.be.instanceOf(RefusedError).with.property('reason', 'UNAUTHENTICATED');
      expect(world.gateway.sockets).to.have.length(1);
      const expiring = (): { subject: string; expiresAtMs: number } => ({
        subject: 'page',
        expiresAtMs: cluster.scheduler.epochMs + cluster.scheduler.now() + 60_000,
      });
      world.gateway = new MemoryGateway(cluster.runtimes[0], {
        authenticate: ({ token }) => (token === 'good' ? expiring() : undefined),
      });
      let token = 'good';
      const client = await world.connect({ token: () => token });
      token = 'bad';
      await cluster.until(() => client.state === 'waiting', { timeoutMs: 100_000 });
      expect(world.gateway.refusals.at(-1)).to.include('its token has expired');
      await cluster.pass(5_000);
      expect(client.error).to.be.instanceOf(RefusedError);
      token = 'good';
      await cluster.until(() => client.state === 'open', { timeoutMs: 100_000 });
    });

    it('ends calls with the client, and refuses wrong options', async () => {
      const { client, ref } = await world.found();
      const asked = rejection(ref.run({ value: 99 }));
      client.close();
      expect(await asked).to.be.instanceOf(StoppedError);
      expect(await rejection(ref.run({ value: 1 }))).to.be.instanceOf(StoppedError);
      expect(await rejection(client.subscribe(Row, 'rows').next())).to.be.instanceOf(StoppedError);
      expect(client.state).to.equal('closed');
      const wrong: (() => unknown)[] = [
        () => ref.list({}, { windowItems: 0 }),
        () => ref.list({}, { timeoutMs: -1 }),
        () => client.subscribe(Row, ''),
        () => client.subscribe({} as never, 'rows'),
      ];
      for (const each of wrong) expect(each).to.throw(ConfigError);
      expect(await rejection(ref.run({}, { timeout: 1 } as never))).to.be.instanceOf(ConfigError);
      expect(await rejection(ref.run(5 as never))).to.be.instanceOf(ProtocolError);
      expect(await rejection(world.connect({ url: 'ftp://there' }))).to.be.instanceOf(ConfigError);
      // @ts-expect-error -- clients call no rpc that streams its requests.
      const load = (depot: ClientRef<typeof Depot>): unknown => depot.load;
      const depot = clientRef({} as never, Depot, 'depot');
      expect([load(depot), typeof depot.run]).to.deep.equal([undefined, 'function']);
      expect(() => new MemoryGateway(cluster.runtimes[0], { allow: [{ service: Depot, methods: ['load'] }] })).to.throw(
        ConfigError,
        'streams its requests',
      );
    });
  });
