import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { type Answer, Load, Service } from './service.js';
import { pendingBecause } from '../support/pending.js';
import { eventually } from '../support/until.js';

const json = ({ text }: Answer): unknown => JSON.parse(text);

/** The value of one line of `/metrics`. */
async function metric(service: Service, name: string): Promise<number> {
  const { text } = await service.get('/metrics');
  const line = text.split('\n').find((each) => each.startsWith(name));
  return Number(line?.slice(line.lastIndexOf(' ')));
}

/** One service for all tests of a block, or one for each. */
function useService(begin: Mocha.HookFunction, finish: Mocha.HookFunction, noticeMs = 0): () => Service {
  let service: Service;
  begin(async () => {
    service = await Service.start({ NOTICE_MS: String(noticeMs) });
  });
  finish(async function () {
    await service.kill();
    if (this.currentTest?.state === 'failed') console.error(service.log());
  });
  return () => service;
}

describe('examples/service', function () {
  this.timeout(180_000);
  const running = useService(before, after);

  it('takes prices, and answers with what it has', async () => {
    const service = running();
    expect((await service.get('/prices/ACME')).status).to.equal(404);
    for (const price of [12, 10, 11]) {
      const { status, text } = await service.post('/prices/ACME', { price });
      expect([status, JSON.parse(text)]).to.deep.equal([202, { symbol: 'ACME', price }]);
    }
    const answer = await service.get('/prices/ACME');
    expect(answer.status).to.equal(200);
    expect(json(answer)).to.deep.equal({ symbol: 'ACME', trades: 3, last: 11, low: 10, high: 12 });
  });

  it('refuses what makes no sense', async () => {
    const service = running();
    expect((await service.post('/prices/ACME', { price: -1 })).status).to.equal(400);
    expect((await service.post('/prices/ACME', {})).status).to.equal(400);
    expect((await service.get('/prices/acme')).status).to.equal(400);
    expect((await service.get('/nothing')).status).to.equal(404);
  });

  it('streams prices as server-sent events, to each who asks, until they leave', async () => {
    const service = running();
    const [one, two] = [await service.events('/prices/ACME/events'), await service.events('/prices/ACME/events')];
    expect(one.headers['content-type']).to.equal('text/event-stream');
    await eventually(async () => (await metric(service, 'millrace_streams_open')) === 8);
    await service.post('/prices/ACME', { price: 3 });
    expect(await one.next()).to.deep.equal({ symbol: 'ACME', price: 3 });
    expect(await two.next()).to.deep.equal({ symbol: 'ACME', price: 3 });
    one.close();
    await eventually(async () => (await metric(service, 'millrace_streams_open')) === 4);
    await service.post('/prices/ACME', { price: 4 });
    expect(await two.next()).to.deep.equal({ symbol: 'ACME', price: 4 });
    two.close();
    await eventually(async () => (await metric(service, 'millrace_streams_open')) === 0);
  });

  it('says how it is, and counts what it does', async () => {
    const service = running();
    const alive = await service.get('/healthz');
    expect([alive.status, json(alive)]).to.deep.equal([200, { phase: 'running', problems: [] }]);
    const ready = await service.get('/readyz');
    expect(ready.status).to.equal(200);
    expect(json(ready)).to.deep.include({ phase: 'running', isReady: true, isAlive: true });
    const before = await metric(service, 'millrace_asks_total');
    await service.post('/prices/ACME', { price: 1 });
    await service.get('/prices/ACME');
    expect(await metric(service, 'millrace_asks_total')).to.be.greaterThan(before);
  });

  it('goes on when an actor crashes: that request fails with 500, the next ones work', async () => {
    const service = running();
    for (const symbol of ['ACME', 'OTHER']) await service.post(`/prices/${symbol}`, { price: 5 });
    const events = await service.events('/prices/ACME/events');
    const failed = await service.post('/prices/ACME/failure');
    expect(failed.status).to.equal(500);
    expect(json(failed)).to.deep.equal({ error: 'HANDLER', message: 'The request failed.' });
    expect(await events.next())
      .to.have.property('message')
      .that.is.a('string');
    expect(await events.next()).to.equal(undefined);
    expect(json(await service.get('/prices/OTHER'))).to.include({ last: 5 });
    expect((await service.get('/prices/ACME')).status).to.equal(404);
    await service.post('/prices/ACME', { price: 6 });
    expect(json(await service.get('/prices/ACME'))).to.include({ last: 6, trades: 1 });
    expect(await metric(service, 'millrace_actor_restarts_total')).to.equal(1);
    expect((await service.get('/readyz')).status).to.equal(200);
  });

  it('answers every request of a load, while actors crash under it', async () => {
    const service = running();
    const load = new Load(service.url, 16);
    await eventually(() => load.count > 200);
    for (let crash = 0; crash < 5; crash++)
      expect((await service.post(`/prices/S${crash}/failure`)).status).to.equal(500);
    const before = load.count;
    await eventually(() => load.count > before + 500);
    await load.stop();
    expect(load.outcome).to.include({ closing: 0, refused: 0, reset: 0, broken: 0 });
    // A share that has begun anew has no price until the next is paid.
    expect([...load.outcome.answered.keys()].every((status) => [200, 202, 404].includes(status))).to.equal(true);
  });

  it('loads no native library', function () {
    const service = running();
    const maps = `/proc/${service.pid}/maps`;
    if (!existsSync(maps)) pendingBecause(this, 'only Linux says what a process has loaded');
    const libraries = new Set(
      readFileSync(maps, 'utf8')
        .split('\n')
        .map((line) => line.slice(line.indexOf('/'))),
    );
    expect([...libraries].filter((path) => /\.node$|node_modules\/.*\.so/.test(path))).to.deep.equal([]);
  });
});

describe('the end of examples/service', function () {
  this.timeout(180_000);
  const running = useService(beforeEach, afterEach, 500);

  it('loses no request that it has accepted when it is told to end under load, and ends well', async () => {
    const service = running();
    const events = await service.events('/prices/S1/events');
    const load = new Load(service.url, 50);
    await eventually(() => load.count > 200);
    service.signal('SIGTERM');
    await load.done;
    const ended = await service.ended;
    expect(ended).to.include({ code: 0, signal: null, isDrained: true });
    const { answered, closing, broken, reset } = load.outcome;
    expect({ broken, reset, closing }, 'answers that broke off or never came').to.deep.equal({
      broken: 0,
      reset: 0,
      closing: 0,
    });
    for (const [status, count] of answered) {
      if (status >= 500) expect([status, closing]).to.deep.equal([503, count]);
    }
    // Those that are told 503 came too late to be accepted; the events are one request more.
    expect(ended.accepted).to.equal(load.count - closing + 1);
    expect(ended.answered).to.equal(ended.accepted);
    for (let event = await events.next(); event !== undefined; event = await events.next()) {
      expect(event).to.include({ symbol: 'S1' });
    }
  });

  it('says at once that it is not ready when it is told to end, and ends within its deadline', async () => {
    const service = running();
    const held = await service.events('/prices/ACME/events');
    service.signal('SIGINT');
    await eventually(async () => (await service.get('/readyz')).status === 503);
    expect(await held.next()).to.equal(undefined);
    expect(await service.ended).to.include({ code: 0, signal: null, isDrained: true });
  });
});
