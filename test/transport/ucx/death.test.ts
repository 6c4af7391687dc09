import { expect } from 'chai';
import { readFile } from 'node:fs/promises';
import { memoryLogger } from '#src/logging/index.js';
import { Lane } from '#src/protocol/index.js';
import type { Link } from '#src/transport/index.js';
import { numbered, numberOf, Peer } from '../compliance/peer.js';
import { upTo } from '../../support/numbers.js';
import { someTurns, until } from '../../support/until.js';
import { describeWithUcx } from './available.js';
import { Peers } from './peers.js';

/** Many are in the soak run: MILLRACE_TEST_KILLS=200. */
const KILLS = Number(process.env['MILLRACE_TEST_KILLS'] ?? 2);

describeWithUcx('a peer of the ucx transport', () => {
  let peers = new Peers();

  beforeEach(() => {
    peers = new Peers();
  });

  afterEach(() => peers.end());

  it(`that is killed in the midst of a flood stalls nobody else, ${KILLS} times`, async function () {
    this.timeout(120_000 + KILLS * 30_000);
    const hub = peers.transport();
    const flooded: Peer[] = [];
    const address = await hub.listen((link: Link) => {
      const peer = new Peer(hub, link, false);
      flooded.push(peer);
      let bytes = 0;
      link.setHandlers({
        frame: (_, frame) => (bytes += frame.length),
        writable: () => {},
        closed: (why) => peer.closed.push(why),
      });
    });
    const steady = await peers.echo();
    const client = new Peer(hub, await hub.connect(steady.address, { timeoutMs: 20_000 }));
    let sent = 0;
    const echoes = async (): Promise<void> => {
      await client.send(Lane.data, numbered(sent));
      sent += 1;
      await client.receives(sent);
    };
    for (const round of upTo(KILLS)) {
      const child = peers.start('flood', address);
      const enough = 2_000_000 * ((round % 4) + 1);
      // A process takes its time to start where many wait for a processor.
      while ((flooded[round]?.link.bytesReceived ?? 0) < enough && child.exitCode === null) await someTurns();
      expect(child.exitCode).to.equal(null);
      await echoes();
      child.kill('SIGKILL');
      const reason = await flooded[round]?.end();
      expect(reason?.kind).to.equal('lost');
      await echoes();
    }
    expect(client.frames.map(({ bytes }) => numberOf(bytes))).to.deep.equal(upTo(2 * KILLS));
    expect(hub.statistics.links).to.equal(1);
  });

  it('that is idle is pinged on the socket beside the rings, and raises no alarm', async () => {
    const log = memoryLogger();
    const [near, far] = [peers.transport({ log, linkDeadMs: 1_000 }), peers.transport({ log, linkDeadMs: 1_000 })];
    const address = await far.listen((link) => void new Peer(far, link));
    const client = new Peer(near, await near.connect(address, { timeoutMs: 20_000 }));
    const before = client.link.rings?.socketBytes ?? 0;
    // Longer than the silence that counts.
    await until('many pings', () => (client.link.rings?.socketBytes ?? 0) > before + 100);
    expect(client.link.rings).to.include({ framesSent: 0, framesReceived: 0 });
    expect(log.records).to.deep.equal([]);
  });

  it('that is stopped is not dead: all goes on when it goes on', async () => {
    const { child, address } = await peers.echo();
    const log = memoryLogger();
    const near = peers.transport({ log, linkDeadMs: 200 });
    const client = new Peer(near, await near.connect(address, { timeoutMs: 20_000 }));
    await client.send(Lane.data, numbered(0));
    await client.receives(1);
    child.kill('SIGSTOP');
    const stat = `/proc/${child.pid}/stat`;
    let state = '';
    while (state !== 'T') state = /\) (.)/.exec(await readFile(stat, 'utf8'))?.[1] ?? '';
    let sent = 1;
    while (client.trySend(Lane.data, numbered(sent, 40_000))) sent += 1;
    await until('an alarm', () => client.link.isUnresponsive);
    expect(near.statistics).to.include({ links: 1, unresponsive: 1 });
    expect(client.link.isOpen).to.equal(true);
    expect(client.trySend(Lane.data, numbered(sent))).to.equal(false);
    child.kill('SIGCONT');
    await client.receives(sent);
    await until('an answer', () => !client.link.isUnresponsive);
    expect(near.statistics).to.include({ links: 1, unresponsive: 0 });
    // A busy machine may be silent for longer than 200 ms, too.
    expect(log.records.map(({ message }) => message).slice(0, 2)).to.deep.equal([
      'a peer is unresponsive',
      'a peer answers again',
    ]);
    expect(client.frames.map(({ bytes }) => numberOf(bytes))).to.deep.equal(upTo(sent));
  });
});
