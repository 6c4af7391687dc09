import { expect } from 'chai';
import {
  AskAbortedError,
  AskTimeoutError,
  CapacityError,
  HandlerError,
  MillraceError,
  RefusedError,
  UnreachableError,
} from '#src/errors.js';
import { limits } from '#src/limits.js';
import { rejection } from '../../support/rejection.js';
import { closeAfterEach, Cluster, until } from '../runtime/harness.js';
import { Listing } from '../transport/errands.js';
import { JoinedNetworks, NEWS_MS } from './joined-networks.js';
import { done, FAILS, IS_REFUSED, SAYS_WHO } from './porter.js';

describe('a gateway between two networks', () => {
  closeAfterEach();
  beforeEach(() => Object.assign(done, { pushed: 0, yielded: 0, closed: 0, ran: 0 }));

  /** Two networks with as many containers, and a client in the first. */
  async function joined({ shop = 0, depot = 1, requests = 100 } = {}) {
    const world = new JoinedNetworks(new Cluster());
    const near = await world.serving('shop', shop);
    const far = await world.serving('depot', depot);
    const gateway = await world.gateway(['shop', 'depot'], { requests });
    await world.cluster.pass(NEWS_MS);
    const client = await near.client(Listing);
    const farLoad = () => [...far.served][0]?.load();
    const nothingIsLent = (): Promise<void> =>
      until(() => farLoad()?.idle === depot && gateway.explain().every(({ requests: lent }) => lent === 0));
    return { world, cluster: world.cluster, near, far, gateway, client, farLoad, nothingIsLent };
  }

  it('has a request handled in the other network, where its own has nobody that serves', async () => {
    const { client, cluster, nothingIsLent, near } = await joined();
    expect((await client.run({ value: 3 })).value).to.equal(3);
    const said = await client.run({ value: SAYS_WHO }, { meta: { who: 'the shop' } });
    expect(Buffer.from(said.load).toString()).to.equal('the shop');
    await nothingIsLent();
    expect(done.ran).to.equal(2);
    await cluster.pass(1_000);
    const [load] = await near.loads(Listing);
    expect(JSON.parse(JSON.stringify(load))).to.deep.include({
      containers: 1,
      idle: 1,
      gateway: {
        network: 'shop',
        version: load?.gateway?.version,
        reached: [{ path: ['depot'], containers: 1, idle: 1, waiting: 0 }],
      },
    });
  });

  it('is asked last, and never for a request that must not leave its network', async () => {
    const { client, farLoad, cluster, nothingIsLent } = await joined({ shop: 1 });
    const first = client.run({ value: 500 }, { within: 20 });
    await cluster.pass(50);
    expect(farLoad()).to.include({ idle: 1 });
    const error = await rejection(client.run({ value: 1 }, { only: 'network', within: 20 }));
    expect(error).to.be.instanceOf(CapacityError);
    expect(error).to.have.property('message').that.does.not.include('gateway');
    const second = client.run({ value: 500 }, { within: 20 });
    await cluster.pass(50);
    expect(farLoad()).to.include({ idle: 0 });
    const full = await rejection(client.run({ value: 1 }, { within: 20 }));
    expect(full).to.be.instanceOf(CapacityError);
    expect(full)
      .to.have.property('message')
      .that.matches(
        /the gateway of process "shop" to "depot" \(1 containers\): network "depot": none of 1 pools has one in time/,
      )
      .and.does.not.include('no gateways');
    await Promise.all([first, second]);
    await nothingIsLent();
  });

  it('leads both ways', async () => {
    const { far, cluster } = await joined({ shop: 1, depot: 0 });
    const back = await far.client(Listing);
    expect((await back.run({ value: 1 })).value).to.equal(1);
    await cluster.pass(100);
  });

  it('passes on the errors of handlers as they are', async () => {
    const { client, nothingIsLent, farLoad } = await joined();
    const failed = await rejection(client.run({ value: FAILS }));
    expect(failed).to.be.instanceOf(HandlerError);
    expect(failed).to.include({ handlerName: 'RangeError', handlerCode: 'E_13', message: '13 is too much' });
    const refused = await rejection(client.run({ value: IS_REFUSED }));
    expect(refused)
      .to.be.instanceOf(RefusedError)
      .and.to.include({ reason: 'SOLD_OUT', message: 'there is none left' });
    await nothingIsLent();
    const late = await rejection(client.run({ value: 500 }, { timeoutMs: 100 }));
    expect(late).to.be.instanceOf(AskTimeoutError);
    await until(() => farLoad()?.idle === 1);
    expect((await client.run({ value: 1 })).value).to.equal(1);
  });

  it('passes on a tell, which has a container when it resolves', async () => {
    const { client, nothingIsLent, cluster } = await joined();
    await client.push({ value: 5 });
    await client.push({ value: 5 });
    await cluster.pass(200);
    expect(done.pushed).to.equal(2);
    await nothingIsLent();
  });

  it('passes on a stream as fast as its reader reads, and ends it with its reader', async () => {
    const { client, nothingIsLent, cluster } = await joined();
    const seen: number[] = [];
    for await (const { value } of client.list({ value: 0 }, { windowItems: 4 })) {
      seen.push(value);
      if (seen.length === 3) {
        await cluster.pass(1_000);
        // What the reader has, its window, and that of the gateway.
        expect(done.yielded).to.be.at.most(3 + 4 + limits.rpcStreamItems + 1);
        const before = done.yielded;
        await cluster.pass(1_000);
        expect(done.yielded).to.equal(before);
      }
      if (seen.length === 200) break;
    }
    expect(seen).to.deep.equal(Array.from({ length: 200 }, (_, index) => index));
    await nothingIsLent();
    await until(() => done.closed === 1);
  });

  it('ends a stream whose reader leaves while it waits for an element', async () => {
    const { client, nothingIsLent, cluster } = await joined();
    const reader = client.list({ value: 3_000 }, { timeoutMs: 50 })[Symbol.asyncIterator]();
    expect(await rejection(reader.next())).to.be.instanceOf(AskTimeoutError);
    await cluster.pass(5_000);
    await nothingIsLent();
    expect(done.closed).to.equal(1);
  });

  it('withdraws a request that is aborted, whether it waits or has a container', async () => {
    const { client, nothingIsLent, farLoad, cluster } = await joined();
    const [waiting, running] = [new AbortController(), new AbortController()];
    const first = rejection(client.run({ value: 300 }, { signal: running.signal }));
    await cluster.pass(100);
    const second = rejection(client.run({ value: 0 }, { signal: waiting.signal }));
    await cluster.pass(200);
    expect(farLoad()).to.include({ waiting: 1, idle: 0 });
    waiting.abort();
    running.abort();
    expect(await second).to.be.instanceOf(AskAbortedError);
    expect(await first).to.be.instanceOf(AskAbortedError);
    await cluster.pass(400);
    await nothingIsLent();
    expect(farLoad()).to.include({ waiting: 0 });
    expect(done.ran).to.equal(1);
  });

  it('passes on a bounded number of requests at a time', async () => {
    const { client, cluster, nothingIsLent } = await joined({ depot: 2, requests: 1 });
    const first = client.run({ value: 300 });
    await cluster.pass(100);
    const error = await rejection(client.run({ value: 0 }, { within: 5 }));
    expect(error)
      .to.be.instanceOf(CapacityError)
      .with.property('message')
      .that.includes('passes on 1 requests already');
    await first;
    await nothingIsLent();
    expect((await client.run({ value: 0 }, { within: 5 })).value).to.equal(0);
  });

  it('passes on what it has when it closes, and takes nothing more', async () => {
    const { client, gateway, cluster, farLoad } = await joined({ depot: 2 });
    const first = client.run({ value: 300 });
    await cluster.pass(100);
    const closed = gateway.close();
    const error = await rejection(client.run({ value: 0 }, { within: 5 }));
    expect(error).to.be.instanceOf(CapacityError);
    expect((await first).value).to.equal(300);
    await closed;
    await until(() => farLoad()?.idle === 2);
    const none = await rejection(client.run({ value: 0 }, { within: 5 }));
    expect(none).to.have.property('message').that.includes('no process of the network serves');
  });

  it('gives up what has not ended when it closes', async () => {
    const { client, gateway, cluster, farLoad } = await joined();
    const lost = rejection(client.run({ value: 3_000 }));
    await cluster.pass(100);
    await gateway.close({ drainMs: 50 });
    expect(await lost).to.be.instanceOf(UnreachableError);
    await until(() => farLoad()?.idle === 1);
  });

  for (const ends of ['closes', 'stops with its runtime'] as const) {
    it(`that ${ends} ends what it has not answered with one error, as in a crash`, async () => {
      const { client, gateway, cluster, farLoad } = await joined({ depot: 2 });
      const asked = rejection(client.run({ value: 5_000 }, { timeoutMs: 60_000 }));
      const stream = client.list({ value: 30 }, { timeoutMs: 60_000 })[Symbol.asyncIterator]();
      expect((await stream.next()).done).to.equal(false);
      await cluster.pass(100);
      const [gate] = cluster.started.filter(({ node }) => node.startsWith('gate'));
      const ended = ends === 'closes' ? gateway.close({ drainMs: 50 }) : gate?.stop({ drainTimeoutMs: 50 });
      const read = async (): Promise<void> => {
        while ((await stream.next()).done !== true);
      };
      for (const error of [await asked, await rejection(read())]) {
        expect(error).to.be.instanceOf(UnreachableError);
        expect(error).to.have.property('message').that.includes('its gateway').and.does.not.include('ComponentPool');
      }
      await ended;
      await until(() => farLoad()?.idle === 2);
    });
  }

  it('that ends leaves its callers with an error, and the containers to others', async () => {
    const { client, cluster, farLoad } = await joined({ depot: 3 });
    const all = Array.from({ length: 3 }, () => rejection(client.run({ value: 2_000 }, { timeoutMs: 60_000 })));
    await cluster.pass(200);
    cluster.executor.crash('gate-shop-depot');
    for (const error of await Promise.all(all)) expect(error).to.be.instanceOf(UnreachableError);
    expect(done.ran).to.equal(3);
    await until(() => farLoad()?.idle === 3);
    expect(await rejection(client.run({ value: 0 }, { within: 5 }))).to.be.instanceOf(CapacityError);
  });

  it('says that a container of the other network has ended, without naming it', async () => {
    const { client, cluster } = await joined();
    const lost = rejection(client.run({ value: 2_000 }, { timeoutMs: 60_000 }));
    await cluster.pass(200);
    cluster.executor.crash('depot');
    const error = await lost;
    expect(error).to.be.instanceOf(UnreachableError);
    expect(error)
      .to.have.property('message')
      .that.equals('test.Listing.Run: its container in the network "depot" has ended, or cannot be reached.');
  });

  it('gives back the containers of a caller that has ended', async () => {
    const { world, cluster, farLoad, nothingIsLent } = await joined();
    const other = await world.serving('shop', 0, 'other');
    const client = await other.client(Listing);
    const lost = rejection(client.run({ value: 1_000 }, { timeoutMs: 60_000 }));
    await cluster.pass(200);
    expect(farLoad()).to.include({ idle: 0 });
    cluster.executor.crash('other');
    await nothingIsLent();
    expect(await lost).to.be.instanceOf(MillraceError);
  });

  it('leads through several networks, and never back', async () => {
    const world = new JoinedNetworks(new Cluster());
    const near = await world.serving('shop', 0);
    await world.serving('road', 0);
    await world.serving('depot', 1);
    await world.gateway(['shop', 'road']);
    await world.gateway(['road', 'depot']);
    const ring = await world.gateway(['depot', 'shop']);
    await ring.close();
    await world.cluster.pass(NEWS_MS);
    const client = await near.client(Listing);
    expect((await client.run({ value: 1 })).value).to.equal(1);
    const [load] = await near.loads(Listing);
    expect(load?.gateway?.reached.map(({ path }) => path)).to.deep.equal([['road', 'depot']]);
  });

  it('refuses a request that has come through its network before', async () => {
    const world = new JoinedNetworks(new Cluster());
    const near = await world.serving('shop', 0);
    for (const name of ['road', 'depot']) await world.serving(name, 0);
    await world.gateway(['shop', 'road']);
    await world.gateway(['road', 'depot']);
    await world.gateway(['depot', 'shop']);
    await world.cluster.pass(NEWS_MS);
    const client = await near.client(Listing);
    expect(await rejection(client.run({ value: 1 }))).to.be.instanceOf(CapacityError);
    expect(done.ran).to.equal(0);
  });
});
