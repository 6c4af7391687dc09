import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { RealScheduler } from '#src/scheduler/index.js';
import { ZeroMqTransport } from '#src/transport/zmq/index.js';
import { until } from '../../support/until.js';

/** A process with threads that end while they have links over ZeroMQ, one after the other, each as an argument says. */
const ends = process.argv.slice(2);
const transport = new ZeroMqTransport({ scheduler: new RealScheduler() });
const address = await transport.listen((link) =>
  link.setHandlers({ frame: () => {}, writable: () => {}, closed: () => {} }),
);

for (const end of ends) {
  const worker = new Worker(new URL('thread.js', import.meta.url), { workerData: { address, end } });
  worker.on('error', () => {});
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  await once(worker, 'message');
  console.log(end);
  if (end === 'ends with the process') process.exit(0);
  worker.postMessage('end');
  if (end === 'hangs' || end === 'is terminated') await worker.terminate();
  await ended;
}
await until('the links to end', () => transport.statistics.links === 0);
await transport.close();
