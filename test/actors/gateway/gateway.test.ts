import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { expect } from 'chai';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { WebSocket } from 'ws';
import {
  clientGateway,
  type ClientGateway,
  type GatewayOptions,
  jwtAuthentication,
  tokenAuthentication,
} from '#src/actors/gateway/index.js';
import { Runtime } from '#src/actors/runtime/index.js';
import { type Client, connect, type ConnectOptions } from '#src/client/index.js';
import { ConfigError, RefusedError, StoppedError, UnreachableError } from '#src/errors.js';
import { rejection } from '../../support/rejection.js';
import { eventually } from '../../support/until.js';
import { certificate } from '../../transport/net/certificates.js';
import { portOf } from '../../transport/ws/http.js';
import { Row } from '../runtime/row.js';
import { Listing } from '../transport/errands.js';
import { Stall } from './stall.js';

const TOKEN = 'a token that nobody guesses';
const READER = 'the token of one who only reads';

describe('a gateway for clients', () => {
  let runtime: Runtime;
  let gateways: ClientGateway[];
  let clients: Client[];
  let servers: Server[];
  let stall: Stall;
  let sockets: WebSocket[];

  beforeEach(async () => {
    [gateways, clients, servers, sockets, stall] = [[], [], [], [], new Stall()];
    runtime = await Runtime.start({ logLevel: 'error' });
    await runtime.register('stall', runtime.spawn(stall.behavior));
  });
  afterEach(async () => {
    for (const client of clients) client.close();
    for (const socket of sockets) socket.terminate();
    for (const gateway of gateways) await gateway.close({ graceMs: 1 });
    for (const server of servers) server.close();
    await runtime.stop();
    expect(runtime.scheduler.pendingTimers).to.equal(0);
  });

  const open = async (options: Partial<GatewayOptions> = {}): Promise<ClientGateway> => {
    const gateway = await clientGateway(runtime, {
      ...(options.server === undefined && { port: 0 }),
      authenticate: tokenAuthentication({
        [TOKEN]: { subject: 'page', roles: ['trader'] },
        [READER]: { subject: 'reader', meta: { shop: 'north' } },
      }),
      allow: [
        { service: Listing, roles: ['trader'] },
        { service: Listing, methods: ['run'], names: ['stall'] },
        { topic: Row, name: 'rows' },
      ],
      ...options,
    });
    gateways.push(gateway);
    return gateway;
  };
  const client = async (url: string, options: Partial<ConnectOptions> = {}): Promise<Client> => {
    const made = await connect({ url, token: TOKEN, longestBackOffMs: 50, ...options });
    clients.push(made);
    return made;
  };

  it('serves calls, streams and topics on a port of its own, and says how many clients it has', async () => {
    const gateway = await open();
    const page = await client(gateway.address);
    const stand = await page.lookup(Listing, 'stall');
    stand.push({ value: 5 });
    expect((await stand.run({ value: 1 })).value).to.equal(2);
    const values: number[] = [];
    for await (const { value } of stand.list({ value: 20 })) values.push(value);
    expect(values).to.have.length(20);
    const topic = await runtime.topic(Row, 'rows');
    const rows = page.subscribe(Row, 'rows');
    const first = rows.next();
    await eventually(() => topic.subscribers === 1);
    topic.publish({ id: 7, key: 'seven' });
    expect((await first).value).to.deep.equal({ id: 7, key: 'seven' });
    const described = await gateway.ref.describe();
    expect(described).to.include({ clients: 1, unauthenticated: 0, calls: 1, address: gateway.address });
    expect(stall.pushed).to.deep.equal([5]);
  });

  it('lets each client do what rules allow for its roles, and handlers know it', async () => {
    const gateway = await open();
    const reader = await client(gateway.address, { token: () => Promise.resolve(READER) });
    const stand = await reader.lookup(Listing, 'stall');
    expect((await stand.run({ value: 1 })).value).to.equal(2);
    expect(stall.clients).to.deep.equal(['reader']);
    for (const each of [stand.list({ value: 1 }).next(), reader.lookup(Listing, 'other')]) {
      expect(await rejection(each))
        .to.be.instanceOf(RefusedError)
        .with.property('reason', 'FORBIDDEN');
    }
    const undelivered: unknown[] = [];
    reader.onUndelivered(({ error }) => undelivered.push(error));
    stand.push({ value: 1 });
    await eventually(() => undelivered.length === 1);
    expect(undelivered[0]).to.be.instanceOf(RefusedError);
    expect((await gateway.ref.describe()).forbidden).to.equal(3);
  });

  it('shares an HTTP server, whose restart its clients survive', async () => {
    const listen = async (port: number): Promise<Server> => {
      const server = createServer((_request, response) => void response.end('a page'));
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
      return server;
    };
    const first = await listen(0);
    const port = portOf(first);
    const before = await open({ server: first, path: '/ws/prices' });
    const page = await client(`http://127.0.0.1:${port}/ws/prices`);
    const stand = await page.lookup(Listing, 'stall');
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).to.equal('a page');
    const waiting = rejection(stand.run({ value: 99 }));
    await before.close({ graceMs: 20 });
    expect(await waiting).to.be.instanceOf(UnreachableError);
    first.closeAllConnections();
    await new Promise((resolve) => first.close(resolve));
    const next = stand.run({ value: 1 }, { timeoutMs: 8_000 });
    await open({ server: await listen(port), path: '/ws/prices' });
    expect((await next).value).to.equal(2);
    expect(page.state).to.equal('open');
  });

  it('shares an HTTP server with another gateway, and neither leaves a path that none has without an answer', async () => {
    const server = createServer();
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `ws://127.0.0.1:${portOf(server)}`;
    const status = (path: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(`${url}${path}`, 'millrace-client');
        socket.once('open', () => resolve(101)).on('error', reject);
        socket.once('unexpected-response', (_request, response) => resolve(response.resume().statusCode));
        sockets.push(socket);
      });
    const first = await open({ server, path: '/a' });
    await open({ server, path: '/b' });
    expect(await rejection(open({ server, path: '/a' })))
      .to.be.instanceOf(ConfigError)
      .with.property('message')
      .that.includes('already');
    expect([await status('/a'), await status('/b'), await status('/x')]).to.deep.equal([101, 101, 404]);
    await first.close({ graceMs: 1 });
    expect([await status('/a'), await status('/b')]).to.deep.equal([404, 101]);
    // A listener of the program may answer first; what it does not answer is ended with the gateway at the latest.
    const seen: string[] = [];
    server.on('upgrade', ({ url: path = '' }, socket: Duplex) => {
      seen.push(path);
      if (path === '/own') socket.end('HTTP/1.1 418 Teapot\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    });
    expect(await status('/own')).to.equal(418);
    const unanswered = status('/x');
    await eventually(() => seen.includes('/x'));
    for (const gateway of gateways) await gateway.close({ graceMs: 1 });
    expect(await unanswered).to.equal(404);
  });

  it('speaks inside the TLS of an HTTPS server', async () => {
    const { cert, key } = await certificate();
    const server = createSecureServer({ cert, key });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await open({ server });
    class Trusting extends WebSocket {
      constructor(url: string, protocol: string) {
        super(url, protocol, { ca: cert });
      }
    }
    const url = `wss://127.0.0.1:${portOf(server)}/clients`;
    const page = await client(url, { webSocket: Trusting });
    expect((await (await page.lookup(Listing, 'stall')).run({ value: 1 })).value).to.equal(2);
    // The WebSocket of Node does not say why.
    const error = await rejection(client(url, { webSocket: WebSocket, timeoutMs: 2_000 }));
    expect(error).to.be.instanceOf(UnreachableError).with.property('message').that.includes('self-signed certificate');
  });

  it('knows clients by JSON Web Tokens', async () => {
    const secret = 'a secret of more than 32 bytes, for HMAC';
    const key = new TextEncoder().encode(secret);
    const token = (issuer: string, claims: Record<string, unknown>, expires = '1h'): Promise<string> =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256' })
        .setIssuer(issuer)
        .setAudience('prices')
        .setSubject('ann')
        .setExpirationTime(expires)
        .sign(key);
    const authenticate = jwtAuthentication({ secret, algorithms: ['HS256'], issuer: 'login', audience: 'prices' });
    const gateway = await open({ authenticate });
    const good = await client(gateway.address, { token: await token('login', { roles: ['trader'] }) });
    const stand = await good.lookup(Listing, 'stall');
    await stand.run({ value: 1 });
    expect(stall.clients).to.deep.equal(['ann']);
    const bad = [
      await token('another', {}),
      await token('login', {}, '-1h'),
      `${(await token('login', {})).slice(0, -4)}AAAA`,
      '',
      'no token at all',
    ];
    for (const each of bad) {
      const error = await rejection(client(gateway.address, { token: each }));
      expect(error, each).to.be.instanceOf(RefusedError).with.property('reason', 'UNAUTHENTICATED');
      expect(error)
        .to.have.property('message')
        .that.does.not.match(/issuer|iss|signature|JW/);
    }
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const keys = createServer((_request, response) => {
      void exportJWK(publicKey).then((jwk) =>
        response.end(JSON.stringify({ keys: [{ ...jwk, kid: '1', alg: 'ES256' }] })),
      );
    });
    servers.push(keys);
    await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve));
    const signed = new SignJWT({ scope: 'trader other' }).setProtectedHeader({ alg: 'ES256', kid: '1' });
    const common = { algorithms: ['ES256'], issuer: 'login', audience: 'prices', rolesClaim: 'scope' };
    const bearer = await signed
      .setIssuer('login')
      .setAudience('prices')
      .setSubject('bob')
      .setExpirationTime('1h')
      .sign(privateKey);
    for (const key of [{ jwks: `http://127.0.0.1:${portOf(keys)}/` }, { publicKey: await exportSPKI(publicKey) }]) {
      const by = await open({ authenticate: jwtAuthentication({ ...common, ...key }) });
      await (await (await client(by.address, { token: bearer })).lookup(Listing, 'stall')).list({ value: 1 }).next();
      // A key that everybody knows is no secret of HMAC.
      const forged = await token('login', {});
      expect(await rejection(client(by.address, { token: forged }))).to.be.instanceOf(RefusedError);
    }
    keys.closeAllConnections();
    await new Promise((resolve) => keys.close(resolve));
    const away = await open({ authenticate: jwtAuthentication({ ...common, jwks: 'http://127.0.0.1:1/' }) });
    const unknown = await rejection(client(away.address, { token: bearer, timeoutMs: 300 }));
    expect(unknown, 'the keys cannot be had').to.be.instanceOf(UnreachableError);
    const wrong = [
      { secret: 'short', algorithms: ['HS256'] },
      { secret, algorithms: ['RS256'] },
      { publicKey: 'pem', algorithms: ['HS256'] },
      { algorithms: ['HS256'] },
      { secret, algorithms: [] },
      { jwks: 'login.example/jwks', algorithms: ['RS256'] },
      { jwks: 'ftp://login.example/jwks', algorithms: ['RS256'] },
      { publicKey: 'no key', algorithms: ['RS256'] },
      { publicKey: '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----', algorithms: ['RS256'] },
    ];
    for (const each of wrong) {
      expect(() => jwtAuthentication({ ...each, issuer: 'a', audience: 'b' }), JSON.stringify(each)).to.throw(
        ConfigError,
      );
    }
  });

  it('stops with its runtime, and its clients learn that', async () => {
    const gateway = await open();
    const page = await client(gateway.address);
    const stand = await page.lookup(Listing, 'stall');
    const asked = rejection(stand.run({ value: 99 }, { timeoutMs: 60_000 }));
    await runtime.stop();
    expect(await asked).to.be.instanceOf(UnreachableError);
    await eventually(() => page.state !== 'open');
    expect(page.error).to.be.instanceOf(UnreachableError);
  });

  it('does not open on a runtime that stops meanwhile', async () => {
    const server = createServer();
    const opening = rejection(open({ server }));
    await runtime.stop();
    expect(await opening).to.be.instanceOf(StoppedError);
    expect(server.listenerCount('upgrade')).to.equal(0);
  });

  it('refuses wrong options', async () => {
    const server = createServer();
    const allow = [{ service: Listing }];
    const wrong: readonly [options: object, says: string][] = [
      [{ allow, port: 0 }, 'needs authenticate'],
      [{ allow, authenticate: 'anyone' }, 'either server'],
      [{ allow, authenticate: 'anyone', port: 0, server }, 'either server'],
      [{ allow, authenticate: 'anyone', port: 0, host: '0.0.0.0' }, 'authenticate clients'],
      [{ allow, authenticate: 'anyone', port: 70_000 }, 'port of clientGateway'],
      [{ allow, authenticate: 'anyone', port: 0, path: 'clients' }, 'path of clientGateway'],
      [{ allow, authenticate: 'anyone', port: 0, origins: ['*'] }, 'origins of clientGateway'],
      [{ allow, authenticate: 'anyone', port: 0, limits: { calls: 0 } }, 'calls in limits'],
      [{ allow, authenticate: 'anyone', port: 0, limits: { call: 1 } }, 'Did you mean calls'],
      [{ allow: [], authenticate: 'anyone', port: 0 }, 'needs allow'],
      [{ authenticate: 'anyone', port: 0 }, 'needs allow'],
      [{ allow: [{ service: Listing, methods: ['sell'] }], authenticate: 'anyone', port: 0 }, 'has no rpc sell'],
      [{ allow: [{ service: Listing, names: [] }], authenticate: 'anyone', port: 0 }, 'a list of texts'],
      [{ allow: [{ service: {} }], authenticate: 'anyone', port: 0 }, 'needs a service'],
      [{ allow: [{ topic: Row }], authenticate: 'anyone', port: 0 }, 'needs a name'],
      [{ allow, authenticate: 'anyone', port: 0, host: '203.0.113.7' }, 'authenticate clients'],
      [{ allow, authenticate: () => undefined, port: 0, host: '203.0.113.7' }, 'cannot listen at 203.0.113.7'],
    ];
    for (const [options, says] of wrong) {
      const error = await rejection(clientGateway(runtime, options as GatewayOptions));
      expect(error, says).to.be.instanceOf(ConfigError).with.property('message').that.includes(says);
    }
    expect(() => tokenAuthentication({ short: { subject: 'a' } })).to.throw(ConfigError, 'at least 16');
    expect(() => tokenAuthentication({})).to.throw(ConfigError, 'no token');
    const identities = [{}, { subject: 'a', meta: { shop: 1 } }, { subject: 'a', meta: { shop: 'x'.repeat(100_000) } }];
    for (const each of identities) {
      expect(() => tokenAuthentication({ [TOKEN]: each as never })).to.throw(ConfigError, 'subject');
    }
  });
});
