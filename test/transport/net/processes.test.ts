import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { limits } from '#src/limits.js';
import { memoryLogger } from '#src/logging/index.js';
import { Lane } from '#src/protocol/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { NetTransport } from '#src/transport/net/index.js';
import { numbered, numberOf, Peer } from '../compliance/peer.js';
import { upTo } from '../../support/numbers.js';
import { someTurns, until } from '../../support/until.js';

const PROGRAM = fileURLToPath(new URL('peer-process.js', import.meta.url));

describe('a net link to another process', function () {
  this.timeout(120_000);
  const scheduler = new RealScheduler();
  const children: ChildProcess[] = [];
  let transport: NetTransport;
  let peers: Peer[];
  let address: string;
  let log: ReturnType<typeof memoryLogger>;

  beforeEach(async () => {
    peers = [];
    log = memoryLogger();
    transport = new NetTransport({ scheduler, log, linkDeadMs: 200 });
    address = await transport.listen((link) => peers.push(new Peer(transport, link, false)));
  });

  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    for (const child of children.splice(0))
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    await transport.close();
    expect(transport.statistics).to.include({ links: 0, handshakes: 0, buffers: 0 });
    expect(scheduler.pendingTimers).to.equal(0);
  });

  const start = async (part: 'echo' | 'flood'): Promise<{ readonly child: ChildProcess; readonly peer: Peer }> => {
    const count = peers.length;
    const child = fork(PROGRAM, [address, part]);
    children.push(child);
    await until('the process to link', () => peers.length > count);
    const peer = peers[count];
    if (peer === undefined) throw new Error('no link');
    return { child, peer };
  };

  it('ends at once when that is killed in the midst of a flood, and others do not notice', async () => {
    const steady = await start('echo');
    steady.peer.listen();
    let answered = 0;
    steady.peer.onFrame = () => {
      answered += 1;
      steady.peer.frames.length = 0;
      steady.peer.trySend(Lane.data, numbered(answered));
    };
    steady.peer.trySend(Lane.data, numbered(0));
    for (const _round of upTo(3)) {
      const { child, peer } = await start('flood');
      let received = 0;
      let wrong = 0;
      peer.onFrame = (_lane, bytes) => {
        wrong += numberOf(bytes) === received ? 0 : 1;
        received += 1;
        peer.frames.length = 0;
      };
      peer.listen();
      await until('a flood', () => received > 200);
      child.kill('SIGKILL');
      expect(await peer.end()).to.include({ kind: 'lost' });
      expect(wrong).to.equal(0);
      const before = answered;
      await until('the others to go on', () => answered > before + 10);
    }
    expect(steady.peer.link.isOpen).to.equal(true);
  });

  it('outlives that it is stopped: told as unresponsive, nothing lost, nothing declared dead', async () => {
    const { child, peer } = await start('echo');
    peer.listen();
    await peer.send(Lane.data, numbered(0));
    await peer.receives(1);
    child.kill('SIGSTOP');
    let sent = 1;
    while (peer.trySend(Lane.data, numbered(sent, limits.frameBytes))) sent += 1;
    expect(sent * limits.frameBytes).to.be.at.most(limits.linkWindowBytes + limits.frameBytes);
    expect(peer.trySend(Lane.control, numbered(0))).to.equal(true);
    await until('an alarm', () => transport.statistics.unresponsive === 1);
    // A busy machine may be silent for longer than 200 ms before, too.
    expect(log.records.at(-1)).to.have.property('message', 'a peer is unresponsive');
    expect([peer.link.isOpen, peer.closed.length]).to.deep.equal([true, 0]);
    child.kill('SIGCONT');
    await peer.receives(sent + 1);
    expect(peer.framesOn(Lane.data).map(numberOf)).to.deep.equal(upTo(sent));
    await until('all to be well', () => transport.statistics.unresponsive === 0);
  });

  it('bounds memory at both ends when this one does not read', async () => {
    const { child, peer } = await start('flood');
    const sent: unknown[] = [];
    child.on('message', (count) => sent.push(count));
    await until('the sender to stop', () => sent.length > 0);
    for (const _time of upTo(5)) await someTurns();
    expect(sent).to.have.length(1);
    expect(Number(sent[0]) * 20_000).to.be.within(limits.linkWindowBytes / 2, limits.linkWindowBytes);
    peer.listen();
    await until('the sender to go on', () => sent.length > 3);
    const total = Number(sent.at(-1));
    await until('all of it', () => peer.frames.length >= total);
    expect(peer.frames.slice(0, total).map(({ bytes }) => numberOf(bytes))).to.deep.equal(upTo(total));
  });

  it('leaves no file descriptor behind, however it ended', async () => {
    const descriptors = (): number => readdirSync('/proc/self/fd').length;
    const { child } = await start('echo');
    child.kill('SIGKILL');
    await until('its link to be gone', () => transport.statistics.links === 0);
    const before = descriptors();
    for (const round of upTo(20)) {
      const other = new NetTransport({ scheduler });
      const count = peers.length;
      const near = new Peer(other, await other.connect(address, { timeoutMs: 30_000 }));
      await until('the link', () => peers.length > count);
      near.trySend(Lane.data, numbered(round));
      if (round % 2 === 0) await other.abort();
      else await other.close();
    }
    await until('all links to be gone', () => transport.statistics.links === 0);
    await until('no more descriptors than before', () => descriptors() <= before);
  });
});
