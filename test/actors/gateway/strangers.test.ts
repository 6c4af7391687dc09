import { request } from 'node:http';
import { connect as connectSocket, type Socket } from 'node:net';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import {
  clientGateway,
  type ClientGateway,
  type GatewayOptions,
  tokenAuthentication,
} from '#src/actors/gateway/index.js';
import { Runtime } from '#src/actors/runtime/index.js';
import { type Client, connect } from '#src/client/index.js';
import { RefusedError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { encode } from '#src/protocol/index.js';
import { v1 } from '#src/protocol/on-demand/index.js';
import { upTo } from '../../support/numbers.js';
import { rejection } from '../../support/rejection.js';
import { eventually } from '../../support/until.js';
import { Listing } from '../transport/errands.js';
import { Stall } from './stall.js';

const TOKEN = 'a token that nobody guesses';

/** One client that is let in works through all of it. */
describe('strangers at a gateway for clients', () => {
  let runtime: Runtime;
  let gateway: ClientGateway;
  let client: Client;
  let sockets: (WebSocket | Socket)[];

  const open = async (bounds: GatewayOptions['limits'] = {}): Promise<void> => {
    gateway = await clientGateway(runtime, {
      port: 0,
      origins: ['https://shop.example'],
      authenticate: tokenAuthentication({ [TOKEN]: { subject: 'page' } }),
      allow: [{ service: Listing }],
      limits: bounds,
    });
    client = await connect({ url: gateway.address, token: TOKEN });
  };

  beforeEach(async () => {
    sockets = [];
    runtime = await Runtime.start({ logLevel: 'silent' });
    await runtime.register('stall', runtime.spawn(new Stall().behavior));
  });
  afterEach(async () => {
    const stand = await client.lookup(Listing, 'stall');
    expect((await stand.run({ value: 1 })).value, 'the client goes on').to.equal(2);
    expect(client.state).to.equal('open');
    for (const socket of sockets) socket instanceof WebSocket ? socket.terminate() : socket.destroy();
    client.close();
    await gateway.close();
    await runtime.stop();
    expect(runtime.scheduler.pendingTimers).to.equal(0);
  });

  const dial = (protocol = 'millrace-client', origin?: string, path = ''): WebSocket => {
    const socket = new WebSocket(`${gateway.address}${path}`, protocol, { ...(origin !== undefined && { origin }) });
    socket.on('error', () => {});
    sockets.push(socket);
    return socket;
  };
  const opened = (socket: WebSocket): Promise<void> => new Promise((resolve) => void socket.once('open', resolve));
  const closed = (socket: WebSocket): Promise<number> => new Promise((resolve) => void socket.once('close', resolve));
  const refused = (socket: WebSocket): Promise<number | undefined> =>
    new Promise((resolve) => {
      socket.once('unexpected-response', (_request, response) => resolve(response.resume().statusCode));
    });
  const hello = (token: string): Uint8Array =>
    encode(v1.ClientFrame, { frame: { case: 'hello', value: { version: 1, token } } });

  it('are refused for another path, protocol or origin, and without an upgrade', async () => {
    await open();
    expect(await refused(dial('millrace-client', 'https://evil.example'))).to.equal(403);
    expect(await refused(dial('chat'))).to.equal(400);
    expect(await refused(dial('millrace-client', undefined, '/others'))).to.equal(404);
    const { hostname, port } = new URL(gateway.address);
    const status = await new Promise((resolve) => {
      request({ host: hostname, port }, (response) => resolve(response.resume().statusCode)).end();
    });
    expect(status).to.equal(426);
    const page = dial('millrace-client', 'https://shop.example');
    await opened(page);
    expect((await gateway.ref.describe()).rejected).to.equal(3);
  });

  it('are closed for text, garbage, an oversized hello, and a wrong token, which learns nothing else', async () => {
    await open();
    const cases: readonly [message: string | Uint8Array, code: number][] = [
      ['hello', 4400],
      [Uint8Array.of(9, 9, 9), 4400],
      [hello('a wrong token'), 4401],
      // Cut before all of it has come.
      [hello('x'.repeat(4 * limits.gatewayHelloBytes)), 1006],
    ];
    for (const [message, code] of cases) {
      const socket = dial();
      const ended = closed(socket);
      await opened(socket);
      socket.send(message);
      expect(await ended).to.equal(code);
    }
    expect(await rejection(connect({ url: gateway.address }))).to.be.instanceOf(RefusedError);
  });

  it('cannot stay silent, before their request, in the middle of it, or after it', async () => {
    await open({ authenticateMs: 300 });
    const { hostname, port } = new URL(gateway.address);
    const raws = upTo(2).map(() => connectSocket(Number(port), hostname));
    sockets.push(...raws);
    raws[1]?.write('GET /clients HTTP/1.1\r\nHost: a\r\n');
    const ends = raws.map(
      (raw) =>
        new Promise(
          (resolve) =>
            void raw
              .on('error', () => {})
              .resume()
              .once('close', resolve),
        ),
    );
    const silent = dial();
    expect(await closed(silent)).to.equal(4408);
    await Promise.all(ends);
  });

  it('may be many: they have few places, and a client that knows its token gets in', async () => {
    await open({ unauthenticated: 16 });
    upTo(200).map(() => dial());
    await eventually(async () => (await gateway.ref.describe()).rejected >= 184);
    const { unauthenticated, clients } = await gateway.ref.describe();
    expect(unauthenticated).to.be.at.most(16);
    expect(clients).to.equal(1);
    const another = await connect({ url: gateway.address, token: TOKEN });
    expect(another.state).to.equal('open');
    another.close();
  });

  it('are refused when all places are taken', async () => {
    await open({ connections: 2 });
    const second = dial();
    await opened(second);
    // A port of its own takes no more connections than clients.
    const third = dial();
    expect(await closed(third)).to.equal(1006);
  });

  it('with a token may not send what is larger than agreed, nor stop reading', async () => {
    await open({ frameBytes: 20_000, bufferBytes: 50_000, slowReaderMs: 300 });
    const large = dial();
    const ended = closed(large);
    await opened(large);
    large.send(hello(TOKEN));
    await new Promise((resolve) => void large.once('message', resolve));
    large.send(new Uint8Array(30_000));
    expect(await ended).to.equal(1009);
    const slow = dial();
    await opened(slow);
    slow.send(hello(TOKEN));
    await new Promise((resolve) => void slow.once('message', resolve));
    slow.pause();
    const message = encode(Listing.methods.list.request, { value: 1_000, load: new Uint8Array(15_000) });
    for (const call of upTo(20)) {
      const value = { call: call + 1, name: 'stall', method: 'test.Listing.List', message, credit: 1_000 };
      slow.send(encode(v1.ClientFrame, { frame: { case: 'call', value } }));
    }
    await eventually(async () => (await gateway.ref.describe()).clients === 1);
    expect((await gateway.ref.describe()).calls).to.equal(0);
  });
});
