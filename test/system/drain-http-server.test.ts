import { once } from 'node:events';
import {
  Agent,
  createServer,
  type IncomingMessage,
  request as sendRequest,
  type RequestListener,
  type Server,
} from 'node:http';
import { expect } from 'chai';
import { ConfigError, type DrainableServer, drainHttpServer, Runtime } from '#src/index.js';
import { send } from './service.js';

describe('drainHttpServer', () => {
  let runtime: Runtime;
  let server: Server;
  let agent: Agent;
  let url = '';

  beforeEach(async () => {
    runtime = await Runtime.start({ logLevel: 'silent' });
    agent = new Agent({ keepAlive: true, maxSockets: 1 });
    server = createServer((request, response) => {
      if (request.url === '/never') return;
      response.end('here');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  });

  afterEach(async () => {
    agent.destroy();
    server.closeAllConnections();
    server.close();
    await runtime.stop();
  });

  it('answers over connections that were idle, as their last, and ends when they have', async () => {
    expect((await send(agent, 'GET', url)).headers.connection).to.equal('keep-alive');
    const drained = drainHttpServer(runtime, server, { noticeMs: 0 });
    while (server.listening) await new Promise((resolve) => setImmediate(resolve));
    expect(await send(agent, 'GET', url)).to.deep.include({ status: 200, text: 'here' });
    await drained;
    const refused = await send(agent, 'GET', url).catch((error: unknown) => error);
    expect(refused).to.include({ code: 'ECONNREFUSED' });
  });

  it('handles what came while it stopped listening, with the handlers that the server had', async () => {
    const drained = drainHttpServer(runtime, server, { noticeMs: 0 });
    expect(await send(agent, 'GET', url)).to.deep.include({ status: 200, text: 'here' });
    await drained;
    expect(server.listenerCount('request')).to.equal(2);
  });

  describe('treats requests with Expect as others', () => {
    const handled: string[] = [];
    const answer =
      (event: string): RequestListener =>
      (request, response) => {
        handled.push(event);
        response.writeContinue();
        request.resume().on('end', () => response.end('expected'));
      };
    /** The `connection` of the answer to a request that waits for leave to send its body. */
    const connectionOf = async (expectation: string): Promise<string | undefined> => {
      const request = sendRequest(url, { agent, method: 'POST', headers: { expect: expectation } });
      request.on('continue', () => request.end('body'));
      request.flushHeaders();
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      await once(response.resume(), 'end');
      return response.headers.connection;
    };

    for (const [event, expectation] of [
      ['checkContinue', '100-continue'],
      ['checkExpectation', 'something'],
    ] as const) {
      it(`where the server listens to ${event}: during the notice`, async () => {
        handled.length = 0;
        server.on(event, answer(event));
        expect(await connectionOf(expectation)).to.equal('keep-alive');
        const drained = drainHttpServer(runtime, server, { noticeMs: 200 });
        expect(await connectionOf(expectation)).to.equal('close');
        await drained;
        expect(handled).to.deep.equal([event, event]);
      });

      it(`where the server listens to ${event}: while it stops listening`, async () => {
        handled.length = 0;
        server.on(event, answer(event));
        const drained = drainHttpServer(runtime, server, { noticeMs: 0 });
        // From here on they are held.
        while (server.listeners(event).length !== 1) await new Promise((resolve) => setImmediate(resolve));
        const asked = connectionOf(expectation);
        await once(server, 'connection');
        expect(handled).to.deep.equal([]);
        expect(await asked).to.equal('close');
        await drained;
        expect(handled).to.deep.equal([event]);
        expect(server.listenerCount(event)).to.equal(2);
      });
    }

    it('and leaves them to Node where the server does not', async () => {
      const drained = drainHttpServer(runtime, server, { noticeMs: 200 });
      expect(await connectionOf('100-continue')).to.equal('close');
      await drained;
      expect(server.listenerCount('checkContinue')).to.equal(0);
    });
  });

  it('cuts what has not ended after graceMs', async () => {
    const asked = send(agent, 'GET', `${url}/never`).catch((error: unknown) => error);
    await once(server, 'request');
    await drainHttpServer(runtime, server, { noticeMs: 0, graceMs: 10 });
    expect(await asked).to.include({ code: 'ECONNRESET' });
  });

  it('refuses what is no server of node:http, and says where one is', async () => {
    const framework: DrainableServer = { listening: true, closeIdleConnections() {}, closeAllConnections() {} };
    const error = await drainHttpServer(runtime, framework).catch((cause: unknown) => cause);
    expect(error).to.be.instanceOf(ConfigError);
    expect(error).to.have.property('message').that.contains('fastify.server');
  });

  it('refuses a time that is none', async () => {
    for (const options of [{ noticeMs: -1 }, { graceMs: Number.NaN }]) {
      const error = await drainHttpServer(runtime, server, options).catch((cause: unknown) => cause);
      expect(error).to.be.instanceOf(ConfigError);
    }
    expect(server.listening).to.equal(true);
  });
});
