import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { expect } from 'chai';
import { clientGateway, type ClientGateway, tokenAuthentication } from '#src/actors/gateway/index.js';
import { behavior } from '#src/actors/kernel/index.js';
import { Runtime } from '#src/actors/runtime/index.js';
import { Refusal } from '#src/errors.js';
import type { Service } from '#src/protocol/index.js';
import { Browser, CHROMIUM } from '../../support/browser.js';
import { needsCommand } from '../../support/pending.js';
import { eventually } from '../../support/until.js';
import { Service as Example } from '../../system/service.js';
import { portOf } from '../../transport/ws/http.js';

const TOKEN = 'a token that nobody guesses';
const WINDOW = { width: 800, height: 600 };
const PAGE = `
<!doctype html><body></body>
<script type="importmap">{ "imports": { "millrace/client": "/client.js", "millrace/protocol": "/client.js" } }</script>
<script type="module">
import { connect, HandlerError, RefusedError, UnreachableError } from 'millrace/client';
import { Market, Trade } from '/market.js';
try {
  globalThis.client = await connect({ url: '/clients', token: '${TOKEN}', longestBackOffMs: 100, heartbeatMs: 500 });
  globalThis.market = await client.lookup(Market, 'market');
  const found = [(await market.quote({ symbol: 'ACME' })).last];
  for (const symbol of ['NONE', 'FAIL']) {
    try { await market.quote({ symbol }); } catch (error) {
      found.push(error instanceof RefusedError ? error.reason : error instanceof HandlerError ? error.message : String(error));
    }
  }
  let sum = 0;
  for await (const { price } of market.watch({ symbol: 'ACME' })) { sum += price; if (price === 100) break; }
  found.push(sum);
  found.push(market.observe({ symbol: 'ACME', price: 1 }));
  globalThis.trades = [];
  globalThis.found = found;
  for await (const trade of client.subscribe(Trade, 'trades', { timeoutMs: Infinity })) trades.push(trade.price);
} catch (error) { globalThis.failure = error.stack ?? String(error); }
</script>`;

/** What the example has generated. */
async function generated(): Promise<{ Market: Service; Trade: never }> {
  return (await import(new URL('../../../../examples/service/gen/market.js', import.meta.url).href)) as never;
}

describe('a client in Chromium', function () {
  this.timeout(180_000);
  let browser: Browser;

  before(async function () {
    needsCommand(this, CHROMIUM);
    browser = await Browser.start();
  });
  after(() => browser?.close());

  /** Waits until an expression is true in the page, which may load yet. */
  const until = async (expression: string): Promise<void> => {
    try {
      await eventually(async () => (await browser.evaluate(expression).catch(() => false)) === true);
    } catch (cause) {
      const text = String(await browser.evaluate('String(globalThis.failure)'));
      throw new Error(`${expression} never became true: ${text} ${browser.complaints.join()}`, { cause });
    }
  };

  it('calls, streams and subscribes with one file, and goes on after its server has restarted while it slept', async () => {
    const { Market, Trade } = await generated();
    const runtime = await Runtime.start({ logLevel: 'error' });
    const observed: unknown[] = [];
    const market = behavior<Service, undefined>(Market, {
      observe: (_state: unknown, trade: unknown) => void observed.push(trade),
      quote: (_state: unknown, { symbol }: { symbol: string }) => {
        if (symbol === 'NONE') throw new Refusal('NOT_FOUND', 'there is none');
        if (symbol === 'FAIL') throw new Error('a secret of the server');
        return { symbol, trades: 1, last: 12.5 };
      },
      async *watch(_state: unknown, { symbol }: { symbol: string }) {
        for (let price = 1; ; price++) yield { symbol, price };
      },
      fail: () => ({}),
      supervision: 'resume',
    } as never);
    await runtime.register('market', runtime.spawn(market));
    const files = new Map([
      ['/', ['text/html', PAGE]],
      ['/client.js', ['text/javascript', readFileSync('dist/browser/client.js', 'utf8')]],
      ['/market.js', ['text/javascript', readFileSync('examples/service/gen/market.js', 'utf8')]],
    ]);
    const serve = async (port: number): Promise<{ server: Server; gateway: ClientGateway }> => {
      const server = createServer(({ url = '' }, response) => {
        const [type = '', text = ''] = files.get(url) ?? ['text/plain', ''];
        response.writeHead(200, { 'content-type': type }).end(text);
      });
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
      const gateway = await clientGateway(runtime, {
        server,
        origins: [`http://127.0.0.1:${portOf(server)}`],
        authenticate: tokenAuthentication({ [TOKEN]: { subject: 'page' } }),
        allow: [{ service: Market }, { topic: Trade, name: 'trades' }],
      });
      return { server, gateway };
    };
    const stop = async ({ server, gateway }: Awaited<ReturnType<typeof serve>>): Promise<void> => {
      await gateway.close({ graceMs: 10 });
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    };
    let now = await serve(0);
    const port = portOf(now.server);
    try {
      await browser.open(`http://127.0.0.1:${port}/`, WINDOW);
      await until('globalThis.found !== undefined');
      expect(await browser.evaluate('JSON.stringify(found)')).to.equal(
        JSON.stringify([12.5, 'NOT_FOUND', 'The handler of market.Market.Quote has failed.', 5050, true]),
      );
      await eventually(() => observed.length === 1);
      const trades = await runtime.topic(Trade as never, 'trades');
      await eventually(() => trades.subscribers === 1);
      trades.publish({ symbol: 'ACME', price: 7 });
      await until('trades[0] === 7');

      // The page sleeps: nothing of it runs, while its server restarts.
      const asleep = browser.evaluate('{ const end = Date.now() + 3_000; while (Date.now() < end); } true');
      await stop(now);
      now = await serve(port);
      await asleep;
      await until(
        `market.quote({ symbol: 'ACME' }, { timeoutMs: 15_000 }).then(({ last }) => last === 12.5, () => false)`,
      );
      expect(await browser.evaluate('client.state')).to.equal('open');
      expect(await browser.evaluate('String(failure)')).to.include('UnreachableError');
    } finally {
      await stop(now);
      await runtime.stop();
    }
  });

  it('shows the live prices of examples/service', async () => {
    const service = await Example.start({ NOTICE_MS: '0' });
    try {
      await service.post('/prices/ACME', { price: 10 });
      await browser.open(`${service.url}/`, WINDOW);
      await browser.shows('#prices tr:first-child', /ACME ?10 ?10 ?10/);
      await browser.shows('#state', 'open');
      for (const price of [12, 8, 9]) await service.post('/prices/ACME', { price });
      await browser.shows('#prices tr:first-child', /ACME ?9 ?8 ?12/);
    } finally {
      await service.kill();
    }
  });
});
