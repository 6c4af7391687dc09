import { expect } from 'chai';
import { type ComponentNetwork, componentNetwork } from '#src/actors/component/index.js';
import { AskTimeoutError, ConfigError, StoppedError } from '#src/errors.js';
import { rejection } from '../../support/rejection.js';
import { type Cluster, describePlacements, until } from '../runtime/harness.js';
import { Listing } from '../transport/errands.js';
import { clerk } from './clerk.js';
import { NEVER, till } from './till.js';
import { till as broken } from './till-broken.js';
import { till as next } from './till-next.js';
import { till as strict } from './till-strict.js';

describePlacements('another version of a component', (newCluster) => {
  let cluster: Cluster | undefined;
  let network: ComponentNetwork | undefined;
  afterEach(() => network?.close({ drainMs: 100 }));
  after(() => cluster?.close());

  async function opened(): Promise<ComponentNetwork> {
    const isFirst = cluster === undefined;
    cluster ??= newCluster();
    cluster.isShared = true;
    if (isFirst) await cluster.start({ system: { partitions: 3 }, kernelLimits: { stopTimeoutMs: 200 } });
    const [runtime] = cluster.started;
    if (runtime === undefined) throw new Error('the runtime did not start');
    network = componentNetwork(runtime);
    return network;
  }
  const versionOf = ({ load }: { readonly load: Uint8Array }): number | undefined => load[0];

  it('goes on with the state, and each request under way is handled once', async () => {
    const network = await opened();
    const served = await network.serve(till);
    const client = await network.client(Listing);
    const requests = Array.from({ length: 20 }, () => client.run({ value: 1 }));
    await requests[2];
    const replaced = served.replace(next);
    expect(await rejection(served.replace(next))).to.be.instanceOf(ConfigError);
    requests.push(...Array.from({ length: 20 }, () => client.run({ value: 1 })));
    await replaced;
    const replies = await Promise.all(requests);
    const sums = replies.map(({ value }) => value).sort((one, other) => one - other);
    expect(sums).to.deep.equal(Array.from({ length: 40 }, (_, index) => index + 1));
    expect([replies[0], await client.run({ value: 0 })].map((reply) => reply && versionOf(reply))).to.deep.equal([
      1, 2,
    ]);
    expect(served.component).to.equal(next);
    await until(() => served.load().idle === 1);
    expect(served.load()).to.include({ containers: 1, waiting: 0 });
  });

  it('has as many containers, which are replaced as before when they are lowered and raised', async () => {
    const network = await opened();
    const served = await network.serve(till, { containers: 3 });
    const client = await network.client(Listing);
    await Promise.all([5, 5, 5].map((value) => client.run({ value })));
    await served.replace(next);
    const sums = await Promise.all([1, 1, 1].map((value) => client.run({ value })));
    expect(sums.map(({ value }) => value)).to.deep.equal([6, 6, 6]);
    served.setContainers(0);
    await served.replace(till);
    served.setContainers(1);
    expect(versionOf(await client.run({ value: 0 }))).to.equal(1);
  });

  it('is refused where it does not start, or does not read the state: the old one goes on with its own', async () => {
    const network = await opened();
    const served = await network.serve(till, { containers: 2 });
    const client = await network.client(Listing);
    await Promise.all([4, 4].map((value) => client.run({ value })));
    for (const [wrong, why] of [
      [broken, 'there is no disk'],
      [strict, 'version 1 is not read'],
    ] as const) {
      const waiting = client.run({ value: 0 });
      expect(await rejection(served.replace(wrong)))
        .to.have.property('message')
        .that.includes(why);
      expect([(await waiting).value, served.component]).to.deep.equal([4, till]);
    }
    expect(served.load()).to.include({ containers: 2, idle: 2 });
    expect(await rejection(served.replace(clerk))).to.be.instanceOf(ConfigError);
  });

  it('waits for requests until its deadline, and not for a pool that is closed', async () => {
    const network = await opened();
    const served = await network.serve(till);
    const client = await network.client(Listing);
    const endless = rejection(client.run({ value: NEVER }, { timeoutMs: 5_000 }));
    await until(() => served.load().idle === 0);
    expect(await rejection(served.replace(next, { drainMs: 20 }))).to.be.instanceOf(AskTimeoutError);
    expect(served.component).to.equal(till);
    const replaced = rejection(served.replace(next, { drainMs: 60_000 }));
    await served.close(20);
    expect(await replaced).to.be.instanceOf(StoppedError);
    expect(await endless).to.be.instanceOf(Error);
    expect(await rejection(served.replace(next))).to.be.instanceOf(StoppedError);
  });
});
