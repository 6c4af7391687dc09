import { parentPort, workerData } from 'node:worker_threads';
import { Lane } from '#src/protocol/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { ZeroMqTransport } from '#src/transport/zmq/index.js';

/** A thread that listens, has a live link full of frames, and ends in one way or another. */
const { address, end } = workerData as { readonly address: string; readonly end: string };
const transport = new ZeroMqTransport({ scheduler: new RealScheduler() });
await transport.listen(() => {});
const link = await transport.connect(address, { timeoutMs: 30_000 });
const write = (): void => {
  for (;;) {
    const buffer = link.acquire(Lane.data, 1_000);
    if (buffer === undefined) break;
    link.send(Lane.data, buffer, 1_000);
  }
  transport.flush();
};
link.setHandlers({ frame: () => {}, writable: write, closed: () => {} });
write();
parentPort?.on('message', () => {
  if (end === 'throws') throw new Error('on purpose');
  if (end === 'exits') process.exit(3);
  if (end === 'hangs') for (;;);
  if (end === 'closes') void transport.close().then(() => parentPort?.close());
});
parentPort?.postMessage('linked');
