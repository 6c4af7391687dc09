import { drainHttpServer, Runtime, stopOnSignals } from 'millrace';
import { clientGateway } from 'millrace/gateway';
import { openTelemetry } from 'millrace/opentelemetry';
import { Market } from '../gen/market.js';
import { market } from './market.js';
import { createServer } from './server.js';

const { HOST: host = '127.0.0.1', PORT: port = '3000', NOTICE_MS: noticeMs = '500' } = process.env;

const runtime = await Runtime.start({ logLevel: 'warn', tracing: openTelemetry() });
const server = createServer(runtime, runtime.spawn(market, { name: 'market', register: true }));

let accepted = 0;
let answered = 0;
server.addHook('onRequest', async () => void accepted++);
server.addHook('onResponse', async () => void answered++);

const address = await server.listen({ host, port: Number(port) });
// Browsers on this host may call what the page shows; nobody may change prices by it.
const gateway = await clientGateway(runtime, {
  server: server.server,
  origins: [address, address.replace('127.0.0.1', 'localhost')],
  authenticate: 'anyone',
  allow: [{ service: Market, methods: ['quote', 'watch'], names: ['market'] }],
});
console.log(`listening on ${address}`);

const { stopped } = stopOnSignals(runtime, {
  drainTimeoutMs: 10_000,
  before: async () => {
    await gateway.close({ graceMs: 500 });
    await drainHttpServer(runtime, server.server, { noticeMs: Number(noticeMs), graceMs: 5_000 });
    await server.close();
  },
});
const { isDrained } = await stopped;
console.log(JSON.stringify({ isDrained, accepted, answered }));
