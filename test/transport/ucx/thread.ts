import { parentPort, workerData } from 'node:worker_threads';
import { Lane } from '#src/protocol/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { UcxTransport } from '#src/transport/ucx/index.js';

/** A thread with a live link that ends in one way or another. */
const { address, end } = workerData as { readonly address: string; readonly end: string };
const transport = new UcxTransport({ scheduler: new RealScheduler() });
const link = await transport.connect(address, { timeoutMs: 20_000 });
const write = (): void => {
  for (;;) {
    const buffer = link.acquire(Lane.data, 1_000);
    if (buffer === undefined) break;
    link.send(Lane.data, buffer, 1_000);
  }
  transport.flush();
};
let frames = 0;
const hang = (): void => {
  parentPort?.postMessage('hangs');
  for (;;) frames += 1;
};
link.setHandlers({
  frame: () => {
    frames += 1;
    if (end === 'throws in a callback') throw new Error('on purpose');
    if (end === 'exits in a callback') process.exit(3);
    if (end === 'hangs in a callback') hang();
  },
  writable: write,
  closed: () => {},
});
write();
parentPort?.postMessage('linked');
parentPort?.on('message', () => {
  if (end === 'throws') throw new Error('on purpose');
  if (end === 'exits') process.exit(3);
  if (end === 'closes') void transport.close().then(() => parentPort?.close());
});
