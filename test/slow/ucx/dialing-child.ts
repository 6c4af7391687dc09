import { RealScheduler } from '#src/scheduler/index.js';
import { UcxTransport } from '#src/transport/ucx/index.js';

/** Dials an address for a while, one time after another: `ADDRESS SECONDS KEY`. */
const [address = '', seconds = '0', key = ''] = process.argv.slice(2);
const transport = new UcxTransport({ scheduler: new RealScheduler(), key });
const untilMs = performance.now() + Number(seconds) * 1_000;
while (performance.now() < untilMs) {
  const link = await transport.connect(address, { timeoutMs: 1_000 }).catch(() => undefined);
  link?.close();
}
await transport.close();
process.disconnect();
