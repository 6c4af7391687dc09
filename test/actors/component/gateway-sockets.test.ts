import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { componentNetwork, joinNetworks } from '#src/actors/component/index.js';
import { Runtime, type StartOptions } from '#src/actors/runtime/index.js';
import { HandlerError, RefusedError } from '#src/errors.js';
import { silentLogger } from '#src/logging/index.js';
import { rejection } from '../../support/rejection.js';
import { eventually } from '../../support/until.js';
import { Listing } from '../transport/errands.js';
import { done, FAILS, IS_REFUSED, porter } from './porter.js';

/** Runtimes of one process that know nothing of each other but what comes over sockets. */
describe('a gateway over sockets', function () {
  this.timeout(60_000);
  const runtimes: Runtime[] = [];
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
    Object.assign(done, { pushed: 0, yielded: 0, closed: 0, ran: 0 });
  });
  afterEach(async () => {
    for (const runtime of runtimes.splice(0).toReversed()) await runtime.stop();
    rmSync(folder, { recursive: true });
  });

  const start = async (nodeName: string, options: StartOptions): Promise<Runtime> => {
    const runtime = await Runtime.start({ nodeName, ucx: 'off', log: silentLogger, ...options });
    runtimes.push(runtime);
    return runtime;
  };
  const place = (name: string): string => `unix:${join(folder, name)}`;

  it('joins a cluster with a control plane and a network without one', async () => {
    const shop = await start('shop', { listen: place('shop') });
    const depot = await start('depot', { listen: place('depot'), seeds: [place('depot')], probeMs: 100 });
    const inShop = await start('gate-shop', { controlPlane: shop.controlPlane });
    const inDepot = await start('gate-depot', { listen: place('gate'), seeds: [place('depot')], probeMs: 100 });
    const served = await componentNetwork(depot).serve(porter, { containers: 2 });
    await eventually(() => inDepot.members().length === 2);
    const networks = { shop: componentNetwork(inShop), depot: componentNetwork(inDepot) };
    const gateway = await joinNetworks(networks, { services: [Listing] });
    await eventually(() => gateway.explain().some(({ from, reached }) => from === 'shop' && reached.length === 1));
    const client = await componentNetwork(shop).client(Listing);
    expect((await client.run({ value: 1 }, { timeoutMs: 30_000 })).value).to.equal(1);
    const values = Array.from({ length: 20 }, (_, index) => index % 10);
    const all = await Promise.all(values.map((value) => client.run({ value }, { timeoutMs: 30_000 })));
    expect(all.map(({ value }) => value)).to.deep.equal(values);
    expect(done.ran).to.equal(21);
    expect(await rejection(client.run({ value: FAILS })))
      .to.be.instanceOf(HandlerError)
      .and.to.include({ handlerCode: 'E_13' });
    expect(await rejection(client.run({ value: IS_REFUSED })))
      .to.be.instanceOf(RefusedError)
      .and.to.include({ reason: 'SOLD_OUT' });
    await client.push({ value: 0 });
    await eventually(() => done.pushed === 1);
    const seen: number[] = [];
    for await (const { value } of client.list({ value: 0 })) {
      seen.push(value);
      if (seen.length === 300) break;
    }
    expect(seen).to.deep.equal(Array.from({ length: 300 }, (_, index) => index));
    await eventually(() => done.closed === 1 && served.load().idle === 2);
    await gateway.close();
  });
});
