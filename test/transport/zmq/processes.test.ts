import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Lane } from '#src/protocol/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { ZeroMqTransport } from '#src/transport/zmq/index.js';
import { numbered, numberOf, Peer } from '../compliance/peer.js';
import { upTo } from '../../support/numbers.js';
import { eventually } from '../../support/until.js';

const PROGRAM = fileURLToPath(new URL('peer-process.js', import.meta.url));
/** Below it, a stopped process would be taken for busy. */
const LINK_DEAD_MS = 300;

describe('a link over ZeroMQ to another process', function () {
  this.timeout(120_000);
  const scheduler = new RealScheduler();
  const children: ChildProcess[] = [];
  let transport: ZeroMqTransport;
  let peers: Peer[];
  let address: string;

  beforeEach(async () => {
    peers = [];
    transport = new ZeroMqTransport({ scheduler, linkDeadMs: LINK_DEAD_MS });
    address = await transport.listen((link) => peers.push(new Peer(transport, link)));
  });

  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    for (const child of children.splice(0))
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    await transport.close();
    expect(transport.statistics).to.include({ links: 0, handshakes: 0, buffers: 0 });
    expect(scheduler.pendingTimers).to.equal(0);
  });

  const start = async (): Promise<{ readonly child: ChildProcess; readonly peer: Peer }> => {
    const count = peers.length;
    const child = fork(PROGRAM, [address]);
    children.push(child);
    await eventually(() => peers.length > count);
    const peer = peers[count];
    if (peer === undefined) throw new Error('no link');
    await eventually(() => peer.frames.length > 200);
    return { child, peer };
  };
  const numbersOf = ({ frames }: Peer): number[] => frames.map(({ bytes }) => numberOf(bytes));

  it('ends when that is killed in the midst of a flood, and what came before is in order', async () => {
    const { child, peer } = await start();
    child.kill('SIGKILL');
    await eventually(() => peer.closed.length > 0);
    expect(peer.closed[0]).to.include({ kind: 'lost' });
    expect(numbersOf(peer)).to.deep.equal(upTo(peer.frames.length));
  });

  it('outlives a stop of that process, and goes on where it was', async () => {
    const { child, peer } = await start();
    child.kill('SIGSTOP');
    await eventually(() => peer.link.isUnresponsive);
    peer.trySend(Lane.data, numbered(1));
    const before = peer.frames.length;
    expect(peer.closed).to.deep.equal([]);
    child.kill('SIGCONT');
    await eventually(() => !peer.link.isUnresponsive && peer.frames.length > before + 200);
    child.kill('SIGSTOP');
    expect(numbersOf(peer)).to.deep.equal(upTo(peer.frames.length));
  });
});
