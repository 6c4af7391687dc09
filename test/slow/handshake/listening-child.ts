import { RealScheduler } from '#src/scheduler/index.js';
import { NetTransport } from '#src/transport/net/index.js';

/** Listens with a key, tells its address, and answers each message with the part of the time for which its event loop was busy since the last. */
const [key = ''] = process.argv.slice(2);
const transport = new NetTransport({ scheduler: new RealScheduler(), key, listen: 'tcp://127.0.0.1:0' });
const address = await transport.listen((link) =>
  link.setHandlers({ frame: () => {}, writable: () => {}, closed: () => {} }),
);
let before = performance.eventLoopUtilization();
process.on('message', () => {
  const now = performance.eventLoopUtilization();
  process.send?.(performance.eventLoopUtilization(now, before).utilization);
  before = now;
});
process.on('disconnect', () => process.exit());
process.send?.(address);
