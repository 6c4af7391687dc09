import { RealScheduler } from '#src/scheduler/index.js';
import { UcxTransport } from '#src/transport/ucx/index.js';

/** Dials an address many times, one after another: `ADDRESS COUNT KEY`. */
const [address = '', count = '0', key = ''] = process.argv.slice(2);
const transport = new UcxTransport({ scheduler: new RealScheduler(), key });
for (let dialed = 0; dialed < Number(count); dialed += 1) {
  const link = await transport.connect(address, { timeoutMs: 1_000 }).catch(() => undefined);
  link?.close();
}
await transport.close();
process.disconnect();
