import { expect } from 'chai';
import { limits } from '#src/limits.js';
import { Lane } from '#src/protocol/index.js';
import { RealScheduler, systemEntropy } from '#src/scheduler/index.js';
import { silentLogger } from '#src/logging/index.js';
import { Dial } from '#src/transport/handshake/dial.js';
import { NetTransport } from '#src/transport/net/index.js';
import { creditPayload, FrameKind, frameOf, LINK_LANE } from '#src/transport/byte-stream/frame-format.js';
import { numbered, openPair, Peer } from '../compliance/peer.js';
import { hello, Stranger } from '../handshake/meeting.js';
import { upTo } from '../../support/numbers.js';
import { someTurns, until } from '../../support/until.js';

/** A link whose other end completes the handshake, and then sends what a test wants. */
describe('a net link to a peer that breaks the rules', () => {
  const scheduler = new RealScheduler();
  const transports: NetTransport[] = [];
  const create = async (): Promise<NetTransport> => {
    const transport = new NetTransport({ scheduler });
    transports.push(transport);
    return transport;
  };

  const open = async (isDeaf = false): Promise<{ server: Peer; stranger: Stranger }> => {
    const transport = await create();
    const accepted: Peer[] = [];
    const address = await transport.listen((link) => accepted.push(new Peer(transport, link, !isDeaf)));
    const settings = { scheduler, log: silentLogger, entropy: systemEntropy, security: {} };
    const dial = new Dial(address, { ...settings, makeHello: () => hello('stranger') }, { timeoutMs: 30_000 });
    const { socket } = await dial.connect();
    const stranger = new Stranger(socket);
    await until('the link', () => accepted.length === 1);
    const [server] = accepted;
    if (server === undefined) throw new Error('no link');
    return { server, stranger };
  };

  afterEach(async () => {
    await Promise.all(transports.map((transport) => transport.close()));
    for (const { statistics } of transports.splice(0)) {
      expect(statistics).to.include({ links: 0, handshakes: 0, dials: 0, buffers: 0 });
    }
    expect(scheduler.pendingTimers).to.equal(0);
  });

  const frame = (sequence: number, sizeBytes: number): Uint8Array =>
    frameOf(FrameKind.whole, Lane.data, sequence, new Uint8Array(sizeBytes));

  it('takes frames as long as they are frames, then closes, and says why', async () => {
    const { server, stranger } = await open();
    stranger.socket.write(Buffer.concat([frame(0, 10), frame(1, 20), Buffer.from('GET / HTTP/1.1\r\n\r\n')]));
    expect((await server.end()).kind).to.equal('protocol');
    expect(server.frames.map(({ bytes }) => bytes.length)).to.deep.equal([10, 20]);
    await until('the reason', () =>
      Buffer.from(stranger.received).toString('latin1').includes('not a frame of this link'),
    );
    stranger.socket.end();
  });

  it('takes no more than it has granted', async () => {
    const { server, stranger } = await open(true);
    let sequence = 0;
    const flood = (): void => {
      if (stranger.socket.closed || sequence > 1_000) return;
      stranger.socket.write(frame(sequence, limits.frameBytes), () => setImmediate(flood));
      sequence += 1;
    };
    flood();
    await until('the end', () => !server.link.isOpen);
    server.listen();
    expect(await server.end()).to.include({ kind: 'protocol' });
    expect(sequence).to.be.below(1_000);
    stranger.socket.end();
  });

  it('takes no credit for what it has not sent', async () => {
    for (const total of [1, Number.NaN, Number.POSITIVE_INFINITY]) {
      const { server, stranger } = await open();
      stranger.socket.write(frameOf(FrameKind.credit, LINK_LANE, 0, creditPayload(total, 0)));
      expect(await server.end()).to.include({ kind: 'protocol' });
      stranger.socket.end();
    }
  });

  it('answers a ping', async () => {
    const { stranger } = await open();
    const before = stranger.received.length;
    stranger.socket.write(frameOf(FrameKind.ping, LINK_LANE, 0, new Uint8Array(0)));
    await until('the answer', () => stranger.received.length > before);
    expect(stranger.received[before + 4]).to.equal(FrameKind.pong);
    stranger.socket.end();
  });

  it('piles up no answers for a peer that only asks', async () => {
    const { stranger } = await open();
    const before = stranger.received.length;
    stranger.socket.pause();
    const pings = 300_000;
    for (let sent = 0; sent < pings; sent += 10_000) {
      const batch = upTo(10_000).map((each) =>
        frameOf(FrameKind.ping, LINK_LANE, (sent + each) & 0xffff, new Uint8Array(0)),
      );
      await new Promise((resolve) => stranger.socket.write(Buffer.concat(batch), resolve));
    }
    const answers = (): number => (stranger.received.length - before) / 8;
    stranger.socket.resume();
    await until('answers', () => answers() > 16);
    await someTurns();
    expect(answers()).to.be.below(pings / 2);
    stranger.socket.end();
  });

  it('is lost when it goes without a word, whatever came before', async () => {
    const { server, stranger } = await open();
    stranger.socket.end(Buffer.concat([frame(0, 10), frame(1, 100).subarray(0, 50)]));
    expect((await server.end()).kind).to.equal('lost');
    expect(server.frames).to.have.length(1);
  });

  it('is given up when it does not take what was sent before the end', async () => {
    const { server, stranger } = await open();
    stranger.socket.pause();
    server.fill(Lane.data, new Uint8Array(limits.frameBytes));
    server.link.close();
    expect(await server.end()).to.deep.equal({ kind: 'closed' });
    const beganMs = scheduler.now();
    await server.transport.close();
    expect(scheduler.now() - beganMs).to.be.within(limits.linkLingerMs / 2, limits.linkLingerMs * 3);
  });

  it('lets control frames overtake data that the socket has not taken', async () => {
    const { client, server } = await openPair({ create });
    const order: Lane[] = [];
    server.onFrame = (lane) => void order.push(lane);
    expect(client.trySend(Lane.data, new Uint8Array(limits.maxMessageBytes))).to.equal(true);
    for (const number of upTo(10)) expect(client.trySend(Lane.control, numbered(number))).to.equal(true);
    await server.receives(11);
    expect(order).to.deep.equal([...upTo(10).map(() => Lane.control), Lane.data]);
  });

  it('holds no memory for links that are idle', async () => {
    const { client, server } = await openPair({ create });
    for (const number of upTo(50)) await client.send(Lane.data, numbered(number, 30_000));
    await server.receives(50);
    await someTurns();
    expect(transports.map(({ statistics }) => statistics.buffers)).to.deep.equal([0, 0]);
  });
});
