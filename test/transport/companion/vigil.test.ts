import { expect } from 'chai';
import { memoryLogger } from '#src/logging/index.js';
import { ManualScheduler } from '#src/scheduler/index.js';
import { unansweredIn } from '#src/transport/companion/kernel-table.js';
import { Vigil, type Watched } from '#src/transport/companion/index.js';

const DEAD_MS = 15_000;

/** A peer that answers pings, or does not. */
class Peer implements Watched {
  readonly peerAddress = 'tcp://10.0.0.2:7000';
  readonly ends: string[] = [];
  isStopped = false;
  isCutOff = false;
  pings = 0;
  #isHeard = false;
  readonly isHostSilent: (() => Promise<boolean>) | undefined;

  constructor(isLocal: boolean) {
    if (!isLocal) this.isHostSilent = async () => this.isCutOff;
  }

  wasHeard(): boolean {
    const isHeard = this.#isHeard;
    this.#isHeard = false;
    return isHeard;
  }

  ping(): void {
    this.pings += 1;
    this.#isHeard = !this.isStopped && !this.isCutOff;
  }

  lost(message: string): void {
    this.ends.push(message);
  }
}

describe('the watch for silence', () => {
  const scheduler = new ManualScheduler({ seed: 7 });
  const { records, ...log } = memoryLogger();
  const vigil = new Vigil(scheduler, log, DEAD_MS);
  const peers: Peer[] = [];
  const watch = (isLocal = false): Peer => {
    const peer = new Peer(isLocal);
    peers.push(peer);
    vigil.add(peer);
    return peer;
  };
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      scheduler.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  afterEach(() => {
    for (const peer of peers.splice(0)) vigil.remove(peer);
    expect([scheduler.pendingTimers, vigil.unresponsive]).to.deep.equal([0, 0]);
    records.length = 0;
  });

  it('says nothing of a peer that is idle, and answers', async () => {
    const peer = watch();
    await pass(10 * DEAD_MS);
    expect(peer.pings).to.be.within(10, 40);
    expect([peer.ends, records]).to.deep.equal([[], []]);
  });

  it('tells of a process that is stopped, once, and that it is back, and never ends its link', async () => {
    for (const peer of [watch(), watch(true)]) peer.isStopped = true;
    await pass(2 * DEAD_MS);
    expect(vigil.unresponsive).to.equal(2);
    for (const peer of peers) peer.isStopped = false;
    for (const peer of peers) peer.ping();
    await pass(DEAD_MS);
    expect(vigil.unresponsive).to.equal(0);
    const messages = records.map(({ message }) => message).sort();
    expect(messages).to.deep.equal([
      'a peer answers again',
      'a peer answers again',
      'a peer is unresponsive',
      'a peer is unresponsive',
    ]);
    expect(peers.flatMap(({ ends }) => ends)).to.deep.equal([]);
  });

  it('ends the link to a host that acknowledges nothing, after its time and not much later', async () => {
    const peer = watch();
    await pass(DEAD_MS);
    peer.isCutOff = true;
    await pass(DEAD_MS - 4_000);
    expect(peer.ends).to.deep.equal([]);
    await pass(8_000);
    expect(peer.ends[0]).to.match(/acknowledged nothing/);
  });

  it('forgives a host that lost a segment while its process was stopped', async () => {
    const peer = watch();
    peer.isStopped = true;
    for (let round = 0; round < 10; round += 1) {
      peer.isCutOff = round % 3 === 0;
      await pass(DEAD_MS / 5);
    }
    expect(peer.ends).to.deep.equal([]);
  });
});

describe('the table of the kernel', () => {
  const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
  const line = (local: string, remote: string, retransmits: string, probes = 0): string =>
    `   1: ${local} ${remote} 01 00000010:00000000 01:00000014 ${retransmits}     0        ${probes} 4711 2 0000000000000000`;
  const v4 = { localAddress: '127.0.0.1', localPort: 8080, remoteAddress: '10.1.2.3', remotePort: 50_000 };

  it('tells how often the other was asked in vain, over IPv4', () => {
    const table = [
      HEAD,
      line('0100007F:1F90', '0302010A:C351', '00000001'),
      line('0100007F:1F90', '0302010A:C350', '0000000a'),
    ];
    expect(unansweredIn(table.join('\n'), v4)).to.equal(10);
  });

  it('and over IPv6, also for IPv4 within it', () => {
    const local = '0000000000000000FFFF00000100007F:1F90';
    const remote = '0000000000000000FFFF00000302010A:C350';
    expect(unansweredIn(line(local, remote, '00000003'), v4)).to.equal(3);
    const mapped = { ...v4, localAddress: '::ffff:127.0.0.1', remoteAddress: '::ffff:10.1.2.3' };
    expect(unansweredIn(line(local, remote, '00000003'), mapped)).to.equal(3);
    const v6 = { ...v4, localAddress: '::1', remoteAddress: 'fe80::12:3400' };
    const names = ['00000000000000000000000001000000:1F90', '000080FE000000000000000000341200:C350'] as const;
    expect(unansweredIn(line(...names, '00000000'), v6)).to.equal(0);
  });

  it('counts what could not even be sent, because this host is cut off itself', () => {
    expect(unansweredIn(line('0100007F:1F90', '0302010A:C350', '00000000', 4), v4)).to.equal(4);
  });

  it('does not tell of what is not there, nor of what is no table', () => {
    for (const table of ['', HEAD, 'anything else\n\n x y']) expect(unansweredIn(table, v4)).to.equal(undefined);
  });
});
