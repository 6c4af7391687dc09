import { expect } from 'chai';
import { HandlerError } from '#src/errors.js';
import { v1 } from '#src/protocol/index.js';
import { millraceRejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { Listing } from './errands.js';
import { endWorlds, listing, PartitionWorld } from './partitions.js';

describe('the Transport service, by messages alone', () => {
  afterEach(endWorlds);

  async function setUp() {
    const world = new PartitionWorld({ latencyMs: 1 });
    const [near, far, third] = [await world.start('a/1'), await world.start('b/1'), await world.start('c/1')];
    const service = near.system.referenceTo(v1.Transport, near.router.routeTo(far.address, far.transportCUid));
    return { world, near, far, third, service };
  }

  it('opens a link, or finds the one there is, and describes all', async () => {
    const { near, far, third, service } = await setUp();
    const link = await service.connect({ address: third.address });
    expect(link).to.deep.include({
      transport: 'memory',
      medium: '',
      rings: undefined,
      peerAddress: third.address,
      isReliable: true,
      pendingAsks: 0,
      openStreams: 0,
    });
    await service.connect({ address: third.address });
    const { address, links } = await service.describe({});
    expect(address).to.equal(far.address);
    expect(links.map(({ peerAddress }) => peerAddress).toSorted()).to.deep.equal([near.address, third.address]);
    expect(links.every(({ bytesSent, bytesReceived }) => bytesSent > 0 && bytesReceived > 0)).to.equal(true);
    expect(links.every(({ framesSent, framesReceived }) => framesSent > 0 && framesReceived > 0)).to.equal(true);
  });

  it('counts the streams that are open over a link', async () => {
    const { world, near, far, service } = await setUp();
    const ref = world.reach(near, Listing, far.system.spawn(listing()));
    const stream = ref.list({ value: 100 });
    await stream.next();
    expect((await service.describe({})).links.map(({ openStreams }) => openStreams)).to.deep.equal([1]);
    await stream.return();
    // Goes behind the cancel, which takes the lane of the stream.
    await ref.run({});
    expect((await service.describe({})).links.map(({ openStreams }) => openStreams)).to.deep.equal([0]);
  });

  it('says why a link cannot be opened, and describes the others meanwhile', async () => {
    const { near, service } = await setUp();
    const connecting = millraceRejection(service.connect({ address: 'memory://nobody/1' }));
    const { links } = await service.describe({});
    expect(links.map(({ peerAddress }) => peerAddress)).to.deep.equal([near.address]);
    const error = await connecting;
    expect(error).to.be.instanceOf(HandlerError).and.to.include({ handlerCode: 'UNREACHABLE' });
    expect(error.message).to.contain('memory://nobody/1');
  });

  it('ends a link from either side, and one that does not exist is ended already', async () => {
    const { far, third, service } = await setUp();
    await service.connect({ address: third.address });
    await service.disconnect({ address: third.address });
    expect((await service.describe({})).links).to.have.length(1);
    await service.disconnect({ address: third.address });
    await until('the other side to know', () => [...third.router.channels()].length === 0);
    // Opened by the third, closed by the far one.
    third.router.open(far.address);
    await until('both ends to be open', () => [...far.router.channels()].length === 2);
    await service.disconnect({ address: third.address });
    await until('the other side to know', () => [...third.router.channels()].length === 0);
  });

  it('answers before it ends the link that the request came by', async () => {
    const { near, far, service } = await setUp();
    await service.disconnect({ address: near.address });
    await until('both ends to be gone', () => [...near.router.channels(), ...far.router.channels()].length === 0);
    expect((await service.describe({})).links, 'over a new link').to.have.length(1);
  });

  it('reaches its own partition over a loopback link', async () => {
    const { near, far, service } = await setUp();
    expect(await service.connect({ address: far.address })).to.deep.include({ peerAddress: far.address });
    expect((await service.describe({})).links.map(({ peerAddress }) => peerAddress)).to.deep.equal([
      near.address,
      far.address,
      far.address,
    ]);
    await service.disconnect({ address: far.address });
    expect((await service.describe({})).links).to.have.length(1);
  });

  it('knows a peer by its ordinal from its hello, and opens no second link to it', async () => {
    const { near, far, service } = await setUp();
    await service.describe({});
    const back = far.system.reference(v1.Transport, {
      cUid: near.transportCUid,
      service: v1.Transport.typeName,
    });
    expect((await back.describe({})).links).to.have.length(1);
    expect([...far.router.channels()]).to.have.length(1);
  });
});
