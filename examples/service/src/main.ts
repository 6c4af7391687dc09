import { drainHttpServer, Runtime, stopOnSignals } from 'millrace';
import { openTelemetry } from 'millrace/opentelemetry';
import { market } from './market.js';
import { createServer } from './server.js';

const { HOST: host = '127.0.0.1', PORT: port = '3000', NOTICE_MS: noticeMs = '500' } = process.env;

const runtime = await Runtime.start({ logLevel: 'warn', tracing: openTelemetry() });
const server = createServer(runtime, runtime.spawn(market, { name: 'market', register: true }));

let accepted = 0;
let answered = 0;
server.addHook('onRequest', async () => void accepted++);
server.addHook('onResponse', async () => void answered++);

console.log(`listening on ${await server.listen({ host, port: Number(port) })}`);

const { stopped } = stopOnSignals(runtime, {
  drainTimeoutMs: 10_000,
  before: async () => {
    await drainHttpServer(runtime, server.server, { noticeMs: Number(noticeMs), graceMs: 5_000 });
    await server.close();
  },
});
const { isDrained } = await stopped;
console.log(JSON.stringify({ isDrained, accepted, answered }));
