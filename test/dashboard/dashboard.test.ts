import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { systemKey } from '#src/actors/kernel/index.js';
import { dashboard, type DashboardServerOptions, dashboardHandler } from '#src/dashboard/index.js';
import type { ClusterView } from '#src/introspection/index.js';
import { Executor, type Runtime } from '#src/index.js';
import { errandRunner } from '../actors/runtime/errand-runner.js';
import { rejection } from '../support/rejection.js';
import { eventually } from '../support/until.js';

const TOKEN = 'a-token-of-tests-0123';

interface Got {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

async function get(url: string, { method = 'GET', headers = {}, body = '' }: Asked = {}): Promise<Got> {
  const sent = request(url, { method, headers });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, headers: response.headers, body: text };
}

describe('the dashboard', () => {
  let executor: Executor;
  let runtime: Runtime;
  const open: { close(): Promise<void> }[] = [];

  before(async () => {
    executor = new Executor({});
    runtime = await executor.start({ system: { partitions: 2 } });
    runtime.spawn(errandRunner(), { name: 'till' });
  });

  afterEach(async () => {
    for (const page of open.splice(0)) await page.close();
  });

  after(() => executor.stop());

  async function start(options: DashboardServerOptions = {}): Promise<string> {
    const page = await dashboard(runtime, options);
    open.push(page);
    return page.url;
  }

  /** Its partitions measure actors for somebody. */
  const isWatched = (): boolean => runtime[systemKey].isObserved;

  it('serves a page of less than 100 kB that loads nothing from elsewhere', async () => {
    const url = await start();
    let sizeBytes = 0;
    for (const name of ['', 'page.js', 'page.css']) {
      const { status, headers, body } = await get(url + name);
      expect([status, headers['cache-control']]).to.deep.equal([200, 'no-store']);
      expect(headers['content-security-policy']).to.contain("default-src 'none'");
      sizeBytes += Buffer.byteLength(body);
    }
    expect(sizeBytes).to.be.below(100_000);
    expect((await get(`${url}nothing`)).status).to.equal(404);
    expect((await get(`${url}..%2f..%2fpackage.json`)).status).to.equal(404);
    expect(readFileSync('dist/page/LICENSES.txt', 'utf8')).to.match(/preact[^]*uplot/i);
  });

  it('streams what the cluster does, and measures only while a browser reads it', async () => {
    const url = await start({ intervalMs: 100 });
    expect(isWatched()).to.equal(false);
    const sent = request(`${url}events?filter=till&order=work`);
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    expect(response.headers['content-type']).to.equal('text/event-stream');
    let text = '';
    response.on('data', (chunk: unknown) => (text += String(chunk)));
    await eventually(() => text.split('\n\n').length > 3);
    const [first = ''] = text.split('\n\n');
    expect(first).to.match(/^event: view\ndata: \{/);
    expect(first).to.contain('/till"').and.not.to.contain('/spawner"');
    expect(isWatched()).to.equal(true);
    sent.destroy();
    await eventually(() => !isWatched());
  });

  it('shows one actor, and lets nobody act without `actions`', async () => {
    const url = await start();
    const view = JSON.parse((await get(`${url}view`)).body) as ClusterView;
    const [{ ordinal, actors } = { ordinal: -1, actors: [] }] = view.partitions;
    const { path = '' } = actors.find((each) => each.path.endsWith('/till')) ?? {};
    const query = new URLSearchParams({ partition: String(ordinal), path });
    expect(JSON.parse((await get(`${url}actor?${query.toString()}`)).body)).to.include({ mayAct: false });
    const nobody = await get(`${url}actor?partition=${ordinal}&path=nobody`);
    expect(nobody.status).to.equal(400);
    expect(nobody.body).to.contain('There is no actor');
    const headers = { 'content-type': 'application/json' };
    const act = { method: 'POST', headers, body: JSON.stringify({ partition: ordinal, path, action: 'stop' }) };
    expect((await get(`${url}act`, act)).status).to.equal(403);
    const acting = await start({ actions: true });
    for (const body of [
      '',
      '[]',
      '{}',
      '{"partition":1,"path":"x","action":"explode"}',
      `{"partition":${ordinal},"path":"x","action":"stop"}`,
    ]) {
      expect((await get(`${acting}act`, { method: 'POST', headers, body })).status, body).to.equal(400);
    }
    expect((await get(`${acting}act`, { ...act, headers: {} })).status).to.equal(415);
    expect((await get(`${acting}act`, act)).status).to.equal(200);
    await eventually(async () => (await get(`${acting}actor?${query.toString()}`)).body.includes('There is no actor'));
  });

  it('answers no other site, whether by name or by origin', async () => {
    const url = await start({ actions: true });
    const statusOf = async (headers: Record<string, string>) => (await get(`${url}view`, { headers })).status;
    expect(await statusOf({ host: 'evil.example' })).to.equal(421);
    expect(await statusOf({ host: '127.0.0.1.evil.example' })).to.equal(421);
    expect(await statusOf({ host: 'localhost:1' })).to.equal(200);
    expect(await statusOf({ origin: 'http://evil.example' })).to.equal(403);
    expect(await statusOf({ origin: 'null' })).to.equal(403);
    expect(await statusOf({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).to.equal(403);
    expect(await statusOf({ 'sec-fetch-site': 'same-origin', origin: url.slice(0, -1) })).to.equal(200);
  });

  it('wants its token from everybody, where it has one, and keeps it out of the address', async () => {
    const url = await start({ token: TOKEN });
    const [bare = ''] = url.split('?');
    expect(url).to.equal(`${bare}?token=${TOKEN}`);
    expect((await get(bare)).status).to.equal(401);
    expect((await get(`${bare}?token=${TOKEN}x`)).status).to.equal(401);
    const { status, headers } = await get(url);
    expect([status, headers['location']]).to.deep.equal([303, '/']);
    const [cookie = ''] = [headers['set-cookie']].flat();
    expect(cookie).to.match(/HttpOnly; SameSite=Strict; Path=\/$/);
    const named = await get(`${bare}index.html?token=${TOKEN}`);
    expect([named.headers['set-cookie']].flat()[0], 'it is for the other files, too').to.match(/ Path=\/$/);
    expect((await get(bare, { headers: { cookie: cookie.split(';')[0] ?? '' } })).status).to.equal(200);
    expect((await get(`${bare}view`, { headers: { authorization: `Bearer ${TOKEN}` } })).status).to.equal(200);
  });

  it('refuses options that make no sense, and other addresses without a token', async () => {
    expect(await rejection(dashboard(runtime, { host: '0.0.0.0' }))).to.include({ code: 'CONFIG' });
    expect(await rejection(dashboard(runtime, { token: 'short' }))).to.include({ code: 'CONFIG' });
    expect(await rejection(dashboard(runtime, { intervalMs: 1 }))).to.include({ code: 'CONFIG' });
    const taken = Number(new URL(await start()).port);
    expect(await rejection(dashboard(runtime, { port: taken }))).to.include({ code: 'CONFIG' });
    const url = await start();
    expect((await get(`${url}events?order=age`)).status).to.equal(400);
    expect((await get(`${url}view?limit=x`)).status).to.equal(400);
    expect((await get(`${url}actor?path=/till`)).body).to.contain('Name a partition');
    expect((await get(url, { method: 'PUT' })).status).to.equal(405);
  });

  it('is a plain handler below any path of a server', async () => {
    const page = dashboardHandler(runtime);
    const server = createServer(page).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expect((await get(`http://127.0.0.1:${port}/ops/millrace/page.css`)).status).to.equal(200);
    page.close();
    server.close();
  });
});
