import { expect } from 'chai';
import { AskAbortedError, AskTimeoutError, BackpressureError } from '#src/errors.js';
import type { VirtualCluster } from '#src/testing/index.js';
import { upTo } from '../../support/numbers.js';
import { rejection } from '../../support/rejection.js';
import { Listing } from '../transport/errands.js';
import { MemoryGateway } from './memory-pair.js';
import { Stall } from './stall.js';
import { VirtualWorld } from './virtual-world.js';

for (const nodes of [1, 2])
  describe(`the names that clients look up at a gateway, with ${nodes} nodes,`, () => {
    let world: VirtualWorld;
    let cluster: VirtualCluster;

    beforeEach(async () => {
      world = await VirtualWorld.start(nodes);
      ({ cluster } = world);
      world.gateway = new MemoryGateway(cluster.runtimes[0], { allow: [{ service: Listing }] });
    });
    afterEach(() => world.stop());

    it('cannot be used up by clients that look for what nobody has', async () => {
      const { client, ref } = await world.found();
      await world.far.register('another', world.far.spawn(world.stall.behavior));
      const others = await Promise.all(upTo(33).map(() => world.connect()));
      const searches = others.flatMap((each, at) =>
        upTo(32).map((name) => rejection(each.lookup(Listing, `no ${at} ${name}`, { timeoutMs: 4_000 }))),
      );
      await cluster.pass(500);
      expect((await ref.run({ value: 1 })).value, 'a reference in use').to.equal(2);
      const another = await client.lookup(Listing, 'another');
      expect((await another.run({ value: 1 })).value, 'a name that is new').to.equal(2);
      const errors = await Promise.all(searches);
      const refused = errors.filter((error) => error instanceof BackpressureError);
      expect(refused).to.have.length(33);
      expect(errors.filter((error) => error instanceof AskTimeoutError)).to.have.length(32 * 33 - 33);
      await cluster.pass(11_000);
    });

    it('are looked up no longer than a call waits for them', async () => {
      const client = await world.connect();
      for (let round = 0; round < 4; round++) {
        const leaving = new AbortController();
        const lookups = upTo(32).map((name) =>
          rejection(client.lookup(Listing, `no ${round} ${name}`, { timeoutMs: 9_000, signal: leaving.signal })),
        );
        await cluster.pass(20);
        leaving.abort();
        for (const each of await Promise.all(lookups)) expect(each).to.be.instanceOf(AskAbortedError);
        await cluster.pass(20);
      }
      const nobody = await rejection(client.lookup(Listing, 'nobody', { timeoutMs: 100 }));
      expect(nobody).to.be.instanceOf(AskTimeoutError);
    });

    it('stay known while their actors live: a burst of tells after a pause is not refused', async () => {
      const { client, ref } = await world.found();
      const undelivered: unknown[] = [];
      client.onUndelivered((tell) => undelivered.push(tell));
      for (const pauseMs of [1_500, 60_000]) {
        await cluster.pass(pauseMs);
        for (const value of upTo(2_000)) ref.push({ value });
        await cluster.pass(3_000);
      }
      expect(undelivered).to.deep.equal([]);
      expect(world.stall.pushed).to.deep.equal([...upTo(2_000), ...upTo(2_000)]);
    });

    it('lead to another actor while the former one runs on, from the call after the next lookup on', async () => {
      const { ref } = await world.found();
      const runtime = world.far;
      const second = new Stall();
      const former = await runtime.lookup(Listing, 'stall');
      await runtime.unregister('stall', former);
      await runtime.register('stall', runtime.spawn(second.behavior));
      await cluster.pass(1_100);
      await ref.run({ value: 1 });
      await cluster.pass(100);
      ref.push({ value: 7 });
      await ref.run({ value: 1 });
      expect([world.stall.pushed, second.pushed]).to.deep.equal([[], [7]]);
      await runtime.unregister('stall', await runtime.lookup(Listing, 'stall'));
      await cluster.pass(1_100);
      await ref.run({ value: 1 });
      await cluster.pass(2_000);
      expect(await rejection(ref.run({ value: 1 }))).to.be.instanceOf(AskTimeoutError);
    });
  });
