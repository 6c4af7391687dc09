import { expect } from 'chai';
import { memoryLogger } from '#src/logging/index.js';
import { ManualScheduler } from '#src/scheduler/index.js';
import { unansweredIn } from '#src/transport/handshake/proc-net-tcp.js';
import { LivenessMonitor, type MonitoredLink } from '#src/transport/handshake/index.js';

const DEAD_MS = 15_000;

/** A peer that answers pings, or does not. */
class Peer implements MonitoredLink {
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

  wasActive(): boolean {
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

describe('the liveness monitor', () => {
  const scheduler = new ManualScheduler({ seed: 7 });
  const { records, ...log } = memoryLogger();
  const liveness = new LivenessMonitor(scheduler, log, DEAD_MS);
  const peers: Peer[] = [];
  const watch = (isLocal = false): Peer => {
    const peer = new Peer(isLocal);
    peers.push(peer);
    liveness.add(peer);
    return peer;
  };
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      scheduler.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  afterEach(() => {
    for (const peer of peers.splice(0)) liveness.remove(peer);
    expect([scheduler.pendingTimers, liveness.unresponsive]).to.deep.equal([0, 0]);
    records.length = 0;
  });

  it('does not report a peer that is idle but answers', async () => {
    const peer = watch();
    await pass(10 * DEAD_MS);
    expect(peer.pings).to.be.within(10, 40);
    expect([peer.ends, records]).to.deep.equal([[], []]);
  });

  it('reports a stopped process once, and its return, and never ends its link', async () => {
    for (const peer of [watch(), watch(true)]) peer.isStopped = true;
    await pass(2 * DEAD_MS);
    expect(liveness.unresponsive).to.equal(2);
    for (const peer of peers) peer.isStopped = false;
    for (const peer of peers) peer.ping();
    await pass(DEAD_MS);
    expect(liveness.unresponsive).to.equal(0);
    const messages = records.map(({ message }) => message).sort();
    expect(messages).to.deep.equal([
      'a peer answers again',
      'a peer answers again',
      'a peer is unresponsive',
      'a peer is unresponsive',
    ]);
    expect(peers.flatMap(({ ends }) => ends)).to.deep.equal([]);
  });

  it('ends the link to a host that acknowledges nothing, soon after the deadline', async () => {
    const peer = watch();
    await pass(DEAD_MS);
    peer.isCutOff = true;
    await pass(DEAD_MS - 4_000);
    expect(peer.ends).to.deep.equal([]);
    await pass(8_000);
    expect(peer.ends[0]).to.match(/acknowledged nothing/);
  });

  it('does not end the link to a host that lost one segment while its process was stopped', async () => {
    const peer = watch();
    peer.isStopped = true;
    for (let round = 0; round < 10; round += 1) {
      peer.isCutOff = round % 3 === 0;
      await pass(DEAD_MS / 5);
    }
    expect(peer.ends).to.deep.equal([]);
  });
});

describe('the parser of /proc/net/tcp', () => {
  const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
  const line = (local: string, remote: string, retransmits: string, probes = 0): string =>
    `   1: ${local} ${remote} 01 00000010:00000000 01:00000014 ${retransmits}     0        ${probes} 4711 2 0000000000000000`;
  const v4 = { localAddress: '127.0.0.1', localPort: 8080, remoteAddress: '10.1.2.3', remotePort: 50_000 };

  it('counts retransmissions and unanswered probes over IPv4', () => {
    const table = [
      HEAD,
      line('0100007F:1F90', '0302010A:C351', '00000001'),
      line('0100007F:1F90', '0302010A:C350', '0000000a'),
    ];
    expect(unansweredIn(table.join('\n'), v4)).to.equal(10);
  });

  it('counts them over IPv6, also for IPv4-mapped addresses', () => {
    const local = '0000000000000000FFFF00000100007F:1F90';
    const remote = '0000000000000000FFFF00000302010A:C350';
    expect(unansweredIn(line(local, remote, '00000003'), v4)).to.equal(3);
    const mapped = { ...v4, localAddress: '::ffff:127.0.0.1', remoteAddress: '::ffff:10.1.2.3' };
    expect(unansweredIn(line(local, remote, '00000003'), mapped)).to.equal(3);
    const v6 = { ...v4, localAddress: '::1', remoteAddress: 'fe80::12:3400' };
    const names = ['00000000000000000000000001000000:1F90', '000080FE000000000000000000341200:C350'] as const;
    expect(unansweredIn(line(...names, '00000000'), v6)).to.equal(0);
  });

  it('counts segments that this host could not send, because it is cut off itself', () => {
    expect(unansweredIn(line('0100007F:1F90', '0302010A:C350', '00000000', 4), v4)).to.equal(4);
  });

  it('returns undefined for a missing connection and for other text', () => {
    for (const table of ['', HEAD, 'anything else\n\n x y']) expect(unansweredIn(table, v4)).to.equal(undefined);
  });
});
