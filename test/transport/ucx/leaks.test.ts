import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { Lane } from '#src/protocol/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { UcxTransport } from '#src/transport/ucx/index.js';
import { numbered, openPair, Peer } from '../compliance/peer.js';
import { upTo } from '../../support/numbers.js';
import { eventually } from '../../support/until.js';
import { describeWithUcx } from './available.js';
import { Peers } from './peers.js';

const LINKS = Number(process.env['MILLRACE_TEST_LINKS'] ?? 60);

function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Shared memory that no other process has: other tests run beside this one. */
function segmentsOfNobodyElse(): readonly string[] {
  const others = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const maps = others.map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/maps`, 'utf8');
    } catch {
      return '';
    }
  });
  return readdirSync('/dev/shm').filter((name) => !maps.some((each) => each.includes(`/dev/shm/${name}`)));
}

describeWithUcx('the ucx transport', () => {
  let peers = new Peers();

  beforeEach(() => {
    peers = new Peers();
  });

  afterEach(() => peers.end());

  it(`leaves no descriptor and no shared memory behind, over ${LINKS} links`, async function () {
    this.timeout(180_000);
    const [near, far] = [peers.transport(), peers.transport()];
    const accepted: Peer[] = [];
    const address = await far.listen((link) => accepted.push(new Peer(far, link)));
    const link = async (): Promise<void> => {
      const client = new Peer(near, await near.connect(address, { timeoutMs: 20_000 }));
      await client.send(Lane.data, numbered(1));
      client.link.close();
      await accepted.at(-1)?.end();
    };
    await link();
    const before = { descriptors: descriptors(), segments: segmentsOfNobodyElse() };
    for (const _ of upTo(LINKS)) await link();
    await Promise.all([near.close(), far.close()]);
    expect(descriptors()).to.be.at.most(before.descriptors);
    // Another process may be about to map one that it has just made.
    await eventually(() => segmentsOfNobodyElse().every((name) => before.segments.includes(name)));
    expect(accepted.map((peer) => peer.frames.length)).to.deep.equal(upTo(LINKS + 1).map(() => 1));
  });

  it('refuses the link past its bound, and goes on with the others', async () => {
    const hub = peers.transport();
    const far = peers.transport();
    const address = await far.listen((link) => void new Peer(far, link));
    const clients: Peer[] = [];
    let refusal: unknown;
    for (let count = 0; refusal === undefined; count += 1) {
      try {
        clients.push(new Peer(hub, await hub.connect(address, { timeoutMs: 20_000 })));
      } catch (error) {
        refusal = error;
      }
    }
    expect(clients).to.have.length(64);
    expect(refusal).to.be.instanceOf(Error).with.property('message').that.includes('64 links');
    expect(clients.every(({ link }) => link.isOpen)).to.equal(true);
  });

  it('carries every frame on the rings, and none on the socket', async () => {
    const source = { create: async (): Promise<UcxTransport> => peers.transport() };
    const { client, server } = await openPair(source);
    const { link } = client;
    const before = link.rings;
    for (const number of upTo(300))
      await client.send(number % 3 === 0 ? Lane.control : Lane.data, numbered(number, 500));
    await client.send(Lane.data, numbered(300, 300_000));
    await server.receives(301);
    const after = link.rings;
    expect(before?.socketBytes).to.be.greaterThan(0);
    expect(after?.socketBytes).to.equal(before?.socketBytes);
    expect((after?.framesSent ?? 0) - (before?.framesSent ?? 0)).to.equal(301);
    expect(link.carrier).to.deep.equal({ transport: 'ucx', medium: 'posix' });
  });

  it('keeps its real time: a virtual scheduler is refused', async () => {
    const { VirtualScheduler } = await import('#src/scheduler/index.js');
    const scheduler = new VirtualScheduler({ seed: 1 });
    expect(() => new UcxTransport({ scheduler })).to.throw('real time');
    scheduler.close();
    await new UcxTransport({ scheduler: new RealScheduler() }).close();
  });
});
