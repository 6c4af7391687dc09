import { createServer, request, type Server as HttpServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { ConfigError, UnreachableError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { memoryLogger, silentLogger } from '#src/logging/index.js';
import { Lane } from '#src/protocol/index.js';
import { RealScheduler, systemEntropy, type Timer } from '#src/scheduler/index.js';
import { Dial } from '#src/transport/handshake/dial.js';
import { webSocketProtocol } from '#src/transport/ws/protocol.js';
import { WebSocketTransport, type WebSocketTransportOptions } from '#src/transport/ws/index.js';
import { rejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { numbered, Peer } from '../compliance/peer.js';
import { portOf } from './http.js';

const KEY = 'a key of more than 16 bytes';

/** Real time in which the deadline of a handshake passes soon. */
class HastyScheduler extends RealScheduler {
  override setTimer(delayMs: number, callback: () => void): Timer {
    return super.setTimer(delayMs === limits.connectTimeoutMs ? 200 : delayMs, callback);
  }
}

describe('a listener for WebSockets', () => {
  const scheduler = new HastyScheduler();
  let transports: WebSocketTransport[];
  let sockets: (Socket | WebSocket)[];
  let servers: HttpServer[];
  let accepted: Peer[];
  let log: ReturnType<typeof memoryLogger>;

  beforeEach(() => {
    transports = [];
    sockets = [];
    servers = [];
    accepted = [];
    log = memoryLogger();
  });

  afterEach(async () => {
    for (const socket of sockets) socket instanceof WebSocket ? socket.terminate() : socket.destroy();
    await Promise.all(transports.map((transport) => transport.close()));
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    for (const { statistics } of transports) {
      expect(statistics).to.include({ links: 0, handshakes: 0, dials: 0, buffers: 0 });
    }
    await until('no timers', () => scheduler.pendingTimers === 0);
  });

  const create = (options: Partial<WebSocketTransportOptions> = {}): WebSocketTransport => {
    const transport = new WebSocketTransport({ scheduler, key: KEY, log, ...options });
    transports.push(transport);
    return transport;
  };
  const open = async (options: Partial<WebSocketTransportOptions> = {}) => {
    const transport = create({ listen: 'ws://127.0.0.1:0/links', ...options });
    const address = await transport.listen((link) => accepted.push(new Peer(transport, link)));
    const { port } = new URL(address);
    return { transport, address, port: Number(port) };
  };
  const webSocket = (address: string, protocol = 'millrace', origin?: string): WebSocket => {
    const socket = new WebSocket(address.replace(/#.*/, ''), protocol, { ...(origin && { origin }) });
    socket.on('error', () => {});
    sockets.push(socket);
    return socket;
  };
  const opened = (socket: WebSocket): Promise<void> => new Promise((resolve) => socket.once('open', resolve));
  /** The status with which the server refuses an upgrade. */
  const refused = (socket: WebSocket): Promise<number | undefined> =>
    new Promise((resolve) => {
      socket.once('unexpected-response', (_request, response) => {
        response.resume();
        resolve(response.statusCode);
      });
    });
  const raw = (port: number): Socket => {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    sockets.push(socket);
    return socket;
  };
  const rejectedBy = async (transport: WebSocketTransport, why: string): Promise<void> => {
    await until('a rejection', () => transport.statistics.rejected > 0);
    expect(JSON.stringify(log.records)).to.include(why);
    await until('the handshake to end', () => transport.statistics.handshakes === 0);
    expect(accepted).to.have.length(0);
  };

  it('takes no connection of a page whose origin it was not told, and one of a page that it was', async () => {
    const { transport, address } = await open({ origins: ['https://shop.example'] });
    expect(await refused(webSocket(address, 'millrace', 'https://evil.example'))).to.equal(403);
    await rejectedBy(transport, 'https://evil.example');
    await opened(webSocket(address, 'millrace', 'https://shop.example'));
  });

  it('takes no connection for another path, of another protocol, or without an upgrade', async () => {
    const { address, port } = await open();
    expect(await refused(webSocket(address.replace('/links', '/others')))).to.equal(404);
    expect(await refused(webSocket(address, 'chat'))).to.equal(400);
    const status = await new Promise((resolve) => {
      request({ port, host: '127.0.0.1' }, (response) => resolve(response.resume().statusCode)).end();
    });
    expect(status).to.equal(426);
  });

  it('ends a handshake with text, with bytes that are no record, and with a message that is too large', async () => {
    const texts: readonly [string | Uint8Array, string][] = [
      ['hello', 'text message'],
      [Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'not a handshake record'],
      [new Uint8Array(limits.webSocketMessageBytes + 1), 'Max payload size exceeded'],
    ];
    for (const [message, why] of texts) {
      log = memoryLogger();
      const { transport, address } = await open();
      const socket = webSocket(address);
      const ended = new Promise((resolve) => socket.once('close', resolve));
      await opened(socket);
      socket.send(message);
      await rejectedBy(transport, why);
      await ended;
    }
  });

  it('ends one that is silent, before its request, in the middle of it, and after the upgrade', async () => {
    const { transport, address, port } = await open();
    raw(port);
    raw(port).write('GET /links HTTP/1.1\r\nHost: a\r\n');
    await opened(webSocket(address));
    await until('three handshakes', () => transport.statistics.handshakes === 3);
    await until('their deadlines', () => transport.statistics.handshakes === 0);
    expect(transport.statistics.rejected).to.equal(3);
  });

  it('takes no peer with another key, which learns why', async () => {
    const { transport, address } = await open();
    const stranger = create({ key: 'another key of 16 bytes' });
    const error = await rejection(stranger.connect(address, { timeoutMs: 2_000 }));
    expect(error).to.be.instanceOf(UnreachableError).with.property('message').that.includes('different cluster keys');
    await rejectedBy(transport, 'different cluster keys');
  });

  it('ends a link whose peer sends a text message, and tells its owner why', async () => {
    const { address } = await open();
    const settings = { scheduler, log: silentLogger, entropy: systemEntropy, security: { key: KEY } };
    const makeHello = () => ({ address: '', capabilities: [] });
    const protocol = webSocketProtocol({ origins: [] });
    const dial = new Dial(address, { ...settings, makeHello }, { timeoutMs: 2_000 }, protocol);
    const { socket } = await dial.connect();
    await until('the link', () => accepted.length === 1);
    // A text frame of two bytes, masked with zeros.
    socket.write(Uint8Array.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
    const reason = await accepted[0]?.end();
    expect(reason?.kind === 'lost' && reason.message).to.include('text message');
  });

  it('shares a server with routes and with WebSockets of others, and leaves it to its owner', async () => {
    const server = createServer((_request, response) => void response.end('a page'));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const port = portOf(server);
    let others = 0;
    server.on('upgrade', (incoming, socket) => {
      if (incoming.url !== '/chat') return;
      others += 1;
      socket.end('HTTP/1.1 418 Teapot\r\nConnection: close\r\n\r\n');
    });
    const { transport, address } = await open({ server, listen: `ws://127.0.0.1:${port}/links` });
    expect(await refused(webSocket(`ws://127.0.0.1:${port}/chat`))).to.equal(418);
    const near = create();
    const client = new Peer(near, await near.connect(address, { timeoutMs: 2_000 }));
    await client.send(Lane.data, numbered(7));
    await until('the frame', () => accepted[0]?.frames.length === 1);
    const page = await fetch(`http://127.0.0.1:${port}/`);
    expect(await page.text()).to.equal('a page');
    await transport.close();
    expect([server.listening, server.listenerCount('upgrade'), others]).to.deep.equal([true, 1, 1]);
  });

  it('refuses an address that is none, that is open to strangers, or that does not suit its server', async () => {
    const server = createServer();
    const wrong: readonly [Partial<WebSocketTransportOptions>, string][] = [
      [{ listen: 'http://127.0.0.1:1/' }, 'It accepts ws://host:port/path'],
      [{ listen: 'ws://10.0.0.1:1/', key: undefined as never }, 'set the cluster key'],
      [{ listen: 'wss://127.0.0.1:0/', tls: { ca: 'x' } }, 'tls.ca'],
      [{ listen: 'ws://0.0.0.0:0/' }, 'set advertisedHost'],
      [{ listen: 'wss://127.0.0.1:443/', server }, 'must begin with ws://'],
      [{ listen: 'ws://127.0.0.1:0/', server }, 'give the port'],
      [{ listen: 'ws://203.0.113.1:9/' }, 'Choose another address'],
    ];
    for (const [options, says] of wrong) {
      const error = await rejection((async () => create(options).listen(() => {}))());
      expect(error, says).to.be.instanceOf(ConfigError).with.property('message').that.includes(says);
    }
  });
});
