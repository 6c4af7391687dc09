import { once } from 'node:events';
import { connect } from 'node:net';
import { crc32 } from 'node:zlib';
import { expect } from 'chai';
import { ProtocolError, ResourceError, UnreachableError } from '#src/errors.js';
import { silentLogger } from '#src/logging/index.js';
import { encode, Lane } from '#src/protocol/index.js';
import { v1 } from '#src/protocol/on-demand/index.js';
import { RealScheduler, systemEntropy } from '#src/scheduler/index.js';
import { Dial } from '#src/transport/handshake/dial.js';
import type { PeerConnection } from '#src/transport/handshake/index.js';
import { ConnectionListener } from '#src/transport/handshake/listener.js';
import type { Link } from '#src/transport/index.js';
import { Fabric } from '#src/transport/ucx/abi.js';
import { hostIdentity } from '#src/transport/ucx/library.js';
import { Offers } from '#src/transport/ucx/offer.js';
import { Rings } from '#src/transport/ucx/rings.js';
import { UcxLibrary, type UcxTransport } from '#src/transport/ucx/index.js';
import { numbered, Peer } from '../compliance/peer.js';
import { rejection } from '../../support/rejection.js';
import { upTo } from '../../support/numbers.js';
import { until } from '../../support/until.js';
import { describeWithUcx } from './available.js';
import { Peers } from './peers.js';

const KEY = 'a secret of all processes of this cluster';
const nobody = (link: Link): Peer => {
  throw new Error(`nobody should link: ${link.peerAddress}`);
};

/** Runs the handshake like a ucx transport, but with this offer. */
async function initiateWith(address: string, key: string, data: Uint8Array): Promise<unknown> {
  const capabilities = [{ name: 'ucx', version: 3, data }];
  const dial = new Dial(
    address.replace('ucx+', ''),
    {
      scheduler: new RealScheduler(),
      log: silentLogger,
      entropy: systemEntropy,
      security: { key },
      makeHello: () => ({ address: '', capabilities }),
    },
    { timeoutMs: 30_000 },
  );
  return rejection(dial.connect().then(({ socket }) => socket.destroy()));
}

describeWithUcx('the ucx transport, among strangers,', () => {
  let peers = new Peers();

  beforeEach(() => {
    peers = new Peers();
  });

  afterEach(() => peers.end());

  async function works(far: UcxTransport, address: string): Promise<void> {
    const near = peers.transport({ key: KEY });
    const client = new Peer(near, await near.connect(address, { timeoutMs: 20_000 }));
    await client.send(Lane.data, numbered(1));
    client.link.close();
    await client.end();
    expect(far.statistics.handshakes).to.equal(0);
  }

  it('refuses random UCX addresses, from whomever they come', async () => {
    const far = peers.transport({ key: KEY });
    const address = await far.listen(() => {});
    const host = 'this one';
    for (const round of upTo(20)) {
      const bytes = systemEntropy(1 + round * 20);
      const offer = v1.UcxOffer.create({ fabric: 1, host, address: bytes, token: 1n, checksum: round });
      expect(await initiateWith(address, KEY, encode(v1.UcxOffer, offer))).to.be.instanceOf(UnreachableError);
      expect(await initiateWith(address, 'another secret, as long', encode(v1.UcxOffer, offer))).to.be.instanceOf(
        UnreachableError,
      );
      expect(await initiateWith(address, KEY, bytes)).to.be.instanceOf(UnreachableError);
    }
    await until('all to be counted', () => far.statistics.rejected === 60);
    expect(far.statistics.links).to.equal(0);
    await works(far, address);
  });

  it('refuses addresses of another UCX, or of another host, before UCX sees them', async () => {
    const far = peers.transport({ key: KEY });
    const address = await far.listen(() => {});
    const bytes = systemEntropy(90);
    const whole = { fabric: 1, address: bytes, token: 1n, checksum: crc32(bytes) };
    const version = new UcxLibrary().load().ucxVersion();
    for (const [offer, why] of [
      [{ ...whole, host: hostIdentity(), ucxVersion: version + 256 }, 'has UCX 1.'],
      [{ ...whole, host: hostIdentity() }, 'has UCX 0.0'],
      [{ ...whole, host: 'another', ucxVersion: version }, 'cannot share memory'],
    ] as const) {
      const refusal = await initiateWith(address, KEY, encode(v1.UcxOffer, v1.UcxOffer.create(offer)));
      expect(refusal).to.be.instanceOf(UnreachableError).with.property('message').that.includes(why);
    }
    expect(far.statistics.links).to.equal(0);
    await works(far, address);
  });

  it('gives one up, at the deadline or when told to, whose rings stay silent behind its hello', async () => {
    const scheduler = new RealScheduler();
    const rings = new Rings(new UcxLibrary().load());
    const offers = new Offers(rings, systemEntropy, []);
    const sockets: PeerConnection[] = [];
    const listener = new ConnectionListener(
      {
        scheduler,
        log: silentLogger,
        entropy: systemEntropy,
        security: { key: KEY },
        makeHello: () => offers.hello('', offers.make(Fabric.sharedMemory).offer),
      },
      {},
      (connection) => void sockets.push(connection),
    );
    const address = `ucx+${await listener.open()}`;
    const near = peers.transport({ key: KEY });
    const late = await rejection(near.connect(address, { timeoutMs: 2_000 }));
    expect(late).to.be.instanceOf(UnreachableError).with.property('message').that.includes('in time');
    const abort = new AbortController();
    const connecting = rejection(near.connect(address, { timeoutMs: 20_000, signal: abort.signal }));
    await until('the hello to be over', () => sockets.length === 2);
    abort.abort();
    expect(await connecting).to.be.instanceOf(UnreachableError);
    expect(near.statistics.links).to.equal(0);
    for (const { socket } of sockets) socket.destroy();
    await listener.close();
    rings.close();
  });

  it('survives random bytes at its socket', async () => {
    const far = peers.transport({ key: KEY });
    const address = await far.listen(() => {});
    const path = /unix:(.*)#/.exec(address)?.[1] ?? '';
    for (const round of upTo(20)) {
      const socket = connect(path).on('error', () => {});
      socket.write(systemEntropy(1 + round * 50));
      socket.end();
      socket.resume();
      await once(socket, 'close');
    }
    await until('the handshakes to be over', () => far.statistics.handshakes === 0);
    await works(far, address);
  });

  it('opens no TCP before interfaces are named, on either side', async () => {
    const closed = peers.transport({ key: KEY });
    const address = await closed.listen(nobody);
    const near = peers.transport({ key: KEY, fabric: 'tcp' });
    expect(await rejection(near.connect(address, { timeoutMs: 30_000 }))).to.be.instanceOf(ResourceError);
    const eager = peers.transport({ key: KEY, fabric: 'tcp', interfaces: ['lo'] });
    const refusal = await rejection(eager.connect(address, { timeoutMs: 30_000 }));
    expect(refusal).to.be.instanceOf(UnreachableError).with.property('message').that.includes('interfaces');
    expect(refusal).to.have.property('cause').that.is.instanceOf(ProtocolError);
    expect(closed.statistics.links).to.equal(0);
  });

  it('says so when an interface is not there', async () => {
    const near = peers.transport({ key: KEY, fabric: 'tcp', interfaces: ['nowhere0'] });
    const far = peers.transport({ key: KEY });
    const address = await far.listen(nobody);
    const error = await rejection(near.connect(address, { timeoutMs: 30_000 }));
    expect(error).to.be.instanceOf(ResourceError).with.property('message').that.includes('nowhere0');
  });
});
