import { expect } from 'chai';
import { componentNetwork } from '#src/actors/component/index.js';
import { withControl } from '#src/actors/component/control-service.js';
import { behavior, untypedBehavior } from '#src/actors/kernel/index.js';
import { poolBehavior } from '#src/actors/component/pool/index.js';
import { UnreachableError } from '#src/errors.js';
import { v1 } from '#src/protocol/index.js';
import { rejection } from '../../support/rejection.js';
import { closeAfterEach, Cluster } from '../runtime/harness.js';
import { Listing } from '../transport/errands.js';

/** What a pool lends, which has handled as many messages. */
function lentBehavior(handled: () => bigint) {
  const service = withControl(Listing);
  const silent = Object.fromEntries(Object.keys(service.methods).map((name) => [name, () => {}]));
  return untypedBehavior(service, { ...silent, containerProbe: () => ({ handled: handled() }) });
}

describe('a tell that a gateway is to pass on', () => {
  closeAfterEach();

  it('fails where the gateway says that it has not got it', async () => {
    const cluster = new Cluster();
    const runtime = await cluster.start();
    let handled = 0n;
    const forwarder = runtime.spawn(lentBehavior(() => handled));
    const load = { node: 'gate', process: 'gate', containers: 1, idle: 1 };
    const pool = runtime.spawn(
      behavior(v1.ComponentPool, {
        acquire: () => ({ container: forwarder.toRef(), isPassedOn: true, load: v1.PoolLoad.create(load) }),
        release: () => {},
        describePool: () => load,
        limitCapacity: () => ({}),
      }),
    );
    await runtime.register(`components of ${Listing.typeName}`, pool, { group: true });
    const client = await componentNetwork(runtime).client(Listing);
    const error = await rejection(client.push({ value: 1 }));
    expect(error).to.be.instanceOf(UnreachableError).with.property('message').that.includes('had not got it');
    handled = 1n;
    await client.push({ value: 1 });
  });
});

describe('a pool that cannot say what it has', () => {
  closeAfterEach();

  it('keeps no container for a request that it could not answer', async () => {
    const cluster = new Cluster();
    const runtime = await cluster.start();
    const container = runtime.spawn(lentBehavior(() => 0n));
    const lent = new Set<string>();
    let isBroken = true;
    const pool = runtime.spawn(
      poolBehavior({
        pool: {
          acquire: ({ key }) => {
            lent.add(key);
            return Promise.resolve({ container: { ref: container } });
          },
          release: (key) => void lent.delete(key),
          ended: () => {},
          sweep: () => {},
          drain: () => {},
        },
        load: () => {
          if (isBroken) throw new RangeError('it cannot count');
          return {};
        },
        started: () => {},
        limited: () => {},
      }),
    );
    const caller = runtime.spawn(behavior(v1.ComponentCaller, { poolLoaded: () => {} })).toRef();
    const request = { caller, id: 1, timeoutMs: 1_000, leaseMs: 1_000 };
    expect(await rejection(pool.acquire(request))).to.include({ handlerName: 'RangeError' });
    expect([...lent]).to.deep.equal([]);
    isBroken = false;
    expect((await pool.acquire(request)).container).to.deep.equal(container.toRef());
    expect(lent.size).to.equal(1);
  });
});
