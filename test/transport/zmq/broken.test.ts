import { connect, createServer, type Server, type Socket } from 'node:net';
import { Dealer } from 'zeromq';
import { expect } from 'chai';
import { memoryLogger } from '#src/logging/index.js';
import { Lane } from '#src/protocol/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { ZeroMqTransport, type ZeroMqTransportOptions } from '#src/transport/zmq/index.js';
import { numbered, numberOf, Peer } from '../compliance/peer.js';
import { HastyScheduler } from '../handshake/meeting.js';
import { rejection } from '../../support/rejection.js';
import { upTo } from '../../support/numbers.js';
import { until } from '../../support/until.js';
import { portOf } from '../ws/http.js';

const KEY = 'a key of more than 16 bytes';
const OTHER = 'another key of 16 bytes';

/** Carries TCP between two ends, and cuts it. */
class Proxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  cuts = 0;

  constructor(port: number) {
    this.#server = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one.on('error', () => {}).on('close', () => void other.destroy()));
        one.pipe(other);
      }
    });
  }

  async open(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return portOf(this.#server);
  }

  cut(): void {
    this.cuts += 1;
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  close(): void {
    this.#server.close();
    this.cut();
  }
}

describe('a link over ZeroMQ whose connection breaks', () => {
  let transports: ZeroMqTransport[] = [];
  let proxies: Proxy[] = [];
  const schedulers: RealScheduler[] = [];
  const create = (options: Partial<ZeroMqTransportOptions> = {}, scheduler = new RealScheduler()): ZeroMqTransport => {
    schedulers.push(scheduler);
    const transport = new ZeroMqTransport({ scheduler, key: KEY, listen: 'zmq+tcp://127.0.0.1:0', ...options });
    transports.push(transport);
    return transport;
  };
  const open = async (scheduler?: RealScheduler) => {
    const [near, far] = [create({}, scheduler), create({}, scheduler)];
    const accepted: Peer[] = [];
    const address = await far.listen((link) => accepted.push(new Peer(far, link)));
    const proxy = new Proxy(Number(/:(\d+)#/.exec(address)?.[1]));
    proxies.push(proxy);
    const dialed = address.replace(/:\d+#/, `:${await proxy.open()}#`);
    const client = new Peer(near, await near.connect(dialed, { timeoutMs: 30_000 }));
    await until('the server', () => accepted.length > 0);
    const [server] = accepted;
    if (server === undefined) throw new Error('no link');
    return { client, server, proxy, near, far };
  };

  afterEach(async () => {
    await Promise.all(transports.map((transport) => transport.close()));
    for (const proxy of proxies) proxy.close();
    for (const { statistics } of transports) {
      expect(statistics).to.include({ links: 0, handshakes: 0, dials: 0, buffers: 0 });
    }
    await until('no timers', () => schedulers.every(({ pendingTimers }) => pendingTimers === 0));
    [transports, proxies] = [[], []];
  });

  it('goes on: every frame arrives once and in order, both ways', async () => {
    const { client, server, proxy, near, far } = await open();
    const total = 300;
    for (const number of upTo(total)) {
      if (number % 100 === 50) proxy.cut();
      await client.send(Lane.data, numbered(number, 20_000));
      await server.send(Lane.data, numbered(number, 2_000));
    }
    await server.receives(total);
    await client.receives(total);
    expect(proxy.cuts).to.equal(3);
    expect(server.frames.map(({ bytes }) => numberOf(bytes))).to.deep.equal(upTo(total));
    expect(client.frames.map(({ bytes }) => numberOf(bytes))).to.deep.equal(upTo(total));
    expect(near.statistics.sentAgain + far.statistics.sentAgain).to.be.greaterThan(0);
    expect([client.link.repeats, server.link.repeats]).to.deep.equal(
      [near, far].map(({ statistics: { dropped, sentAgain, receivedAgain } }) => ({
        dropped,
        sentAgain,
        receivedAgain,
      })),
    );
    expect([client.closed, server.closed]).to.deep.equal([[], []]);
  });

  it('is lost at both ends when it does not come back', async () => {
    const { client, server, proxy } = await open(new HastyScheduler());
    proxy.close();
    expect(await client.end()).to.deep.include({ kind: 'lost' });
    expect(await server.end()).to.deep.include({ kind: 'lost' });
  });

  it('is none where the keys differ, and where a plain program has none', async () => {
    const log = memoryLogger();
    const server = create({ log });
    const address = await server.listen(() => expect.fail('a stranger was let in'));
    const stranger = create({ key: OTHER });
    const error = await rejection(stranger.connect(address, { timeoutMs: 30_000 }));
    expect(error).to.have.property('message').that.includes('this cluster key');
    const plain = new Dealer({ linger: 0, routingId: 'stranger' });
    const events: string[] = [];
    plain.events.on('disconnect', () => events.push('disconnect'));
    plain.connect(address.replace(/^zmq\+|#.*/g, ''));
    await plain.send(Buffer.from('hello'));
    await until('the end', () => events.length > 0);
    plain.close();
    expect(server.statistics).to.include({ links: 0, handshakes: 0 });
  });

  it('refuses what is no message of a link, and forgets it', async () => {
    const server = create({ listen: 'zmq+ipc:' });
    const address = await server.listen(() => expect.fail('a stranger was let in'));
    for (const parts of [['x'], [Buffer.alloc(12)], [Buffer.alloc(12), 'GET / HTTP/1.1'], ['', '', '', '']]) {
      const plain = new Dealer({ linger: 0 });
      plain.connect(address.replace(/^zmq\+ipc:/, 'ipc://').replace(/#.*/, ''));
      await plain.send(parts);
      const [reset] = await plain.receive();
      expect(reset?.[0], 'a reset, or a rejection before it').to.be.oneOf([0, 5]);
      plain.close();
    }
    await until('all to be forgotten', () => server.statistics.handshakes === 0);
  });
});
