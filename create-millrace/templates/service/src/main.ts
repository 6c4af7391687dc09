import { drainHttpServer, Runtime, stopOnSignals } from 'millrace';
import { dashboard } from 'millrace/dashboard';
import { prices } from './prices.js';
import { createServer } from './server.js';

const { HOST: host = '127.0.0.1', PORT: port = '3000' } = process.env;

const runtime = await Runtime.start({ logLevel: 'warn' });
const server = createServer(runtime, runtime.spawn(prices, { name: 'prices', register: true }));
const page = await dashboard(runtime);

// SIGTERM and Ctrl-C: no new connection, an answer to each request that is under way, then the end.
stopOnSignals(runtime, {
  before: async () => {
    await drainHttpServer(runtime, server.server);
    await server.close();
    await page.close();
  },
});

console.log(`the service listens on ${await server.listen({ host, port: Number(port) })}`);
console.log(`the dashboard is ${page.url}`);
