import { expect } from 'chai';
import { retryAsk } from '#src/actors/control-plane/index.js';
import { BackpressureError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { endWorlds } from '../transport/partitions.js';
import { millraceRejection } from '../../support/rejection.js';
import { definition, Plane } from './plane.js';

describe('requests to the control plane that are repeated', () => {
  afterEach(endWorlds);

  it('are carried out once, however many are pending when replies are lost', async () => {
    const count = 2 * limits.controlPlaneRequests;
    for (const seed of [1, 2]) {
      const plane = await Plane.start({ seed, loss: 0.05, latencyMs: 1, jitterMs: 2 });
      const { client, partition } = await plane.join('a/1');
      const started = await Promise.all(Array.from({ length: count }, () => client.startPipeline(definition, [])));
      const { resources } = await retryAsk(plane.world.scheduler, 60_000, (options) =>
        plane.from(partition).list({}, options),
      );
      const pipelines = resources.filter(({ detail }) => detail.case === 'pipeline').map(({ id }) => id);
      expect(
        started.toSorted((left, right) => left - right),
        `seed ${seed}`,
      ).to.deep.equal(pipelines);
    }
  });

  it('are refused where the control plane cannot know whether it has carried them out', async () => {
    const plane = await Plane.start();
    const { partition } = await plane.join('a/1');
    const server = plane.from(partition);
    const { pUid } = await server.connect({ tag: 1, launch: 'probe', node: 'p', name: 'p' });
    const register = (tag: number) => server.registerPartitions({ pUid, tag, addresses: [`memory://p/${tag}`] });
    const first = await register(1);
    await register(limits.controlPlaneRequests);
    expect(await register(1), 'the same reply').to.deep.equal(first);
    await register(limits.controlPlaneRequests + 1);
    const refused = await millraceRejection(register(1));
    expect(refused).to.include({ handlerCode: 'PROTOCOL' });
    expect(refused.message).to.include('controlPlaneRequests');
  });

  it('hold back those that are too many, up to their deadline, but no lookups', async () => {
    const plane = await Plane.start();
    const { client, partition } = await plane.join('a/1');
    plane.world.network.partition(['a'], ['server']);
    const names = Array.from({ length: limits.controlPlaneRequests + 1 }, (_, index) => `name ${index}`);
    const rejections = Promise.all(
      names.map((name) =>
        millraceRejection(client.registerName(name, { cUid: partition.transportCUid, service: 's' })),
      ),
    );
    const errors = await rejections;
    expect(errors.filter((error) => error instanceof BackpressureError)).to.have.length(1);
    expect(errors.at(-1)?.message).to.include('controlPlaneRequests');
    plane.world.network.heal();
    await client.registerName('late', { cUid: 11n, service: 's' });
    const lookups = Array.from({ length: 2 * limits.controlPlaneRequests }, (_, index) =>
      millraceRejection(client.lookup(`nobody ${index}`, 's', 30_000)),
    );
    await client.registerName('later', { cUid: 12n, service: 's' });
    expect(await Promise.all(lookups)).to.have.length(2 * limits.controlPlaneRequests);
  });
});
