/** A process, or a thread, with a runtime of its own that publishes or reads values. It is told what to do, and says what it sees. */
import { parentPort, workerData } from 'node:worker_threads';
import { Runtime } from '#src/actors/runtime/index.js';
import { bytesCodable, type Block } from '#src/descriptors/index.js';
import { silentLogger } from '#src/logging/index.js';
import { isFilled } from './filled.js';

export type Order =
  /** Publishes values without end, each full of its number. */
  | { readonly kind: 'publish'; readonly name: string; readonly sizeBytes: number; readonly values?: number }
  | { readonly kind: 'read'; readonly name: string; readonly keep: number }
  /** Reads the values of one publisher, and publishes them under another name. */
  | { readonly kind: 'relay'; readonly from: string; readonly to: string }
  /** Writes into the block that was published last. */
  | { readonly kind: 'overwrite'; readonly fill: number }
  | { readonly kind: 'stop' };

export interface Said {
  readonly written: number;
  readonly read: number;
  readonly garbage: number;
  readonly bytesCopied: number;
  readonly blocks: number;
  readonly ended: string;
}

const said = { written: 0, read: 0, garbage: 0, bytesCopied: 0, blocks: 0, ended: '' };
const [controlPlane = ''] = parentPort === null ? process.argv.slice(2) : [String(workerData)];
const runtime = await Runtime.start({
  controlPlane,
  keyless: 'loopback',
  ucx: 'off',
  log: silentLogger,
  nodeName: `far-${parentPort === null ? process.pid : 'thread'}`,
});
const pool = runtime.createPool({ limitBytes: 256 * 1024 * 1024 });
let last: Block | undefined;

const hear = (order: Order): void => {
  void obey(order)
    .catch((error: unknown) => (said.ended = error instanceof Error ? `${error.name}: ${error.message}` : 'thrown'))
    .then(report);
};
if (parentPort === null) {
  process.on('message', hear);
  process.on('disconnect', () => process.exit(0));
} else parentPort.on('message', hear);
report();

function report(): void {
  const { bytesCopied, blocks } = pool.statistics;
  const message: Said = { ...said, bytesCopied: bytesCopied + runtime.metrics().values.bytesCopied, blocks };
  if (parentPort === null) process.send?.(message);
  else parentPort.postMessage(message);
}

async function obey(order: Order): Promise<void> {
  switch (order.kind) {
    case 'publish':
      return publish(order);
    case 'read':
      return read(order);
    case 'relay':
      return relay(order);
    case 'overwrite':
      last?.bytes.fill(order.fill);
      return;
    case 'stop':
      last?.dispose();
      await runtime.stop();
      said.ended = 'stopped';
      if (parentPort !== null) parentPort.close();
  }
}

async function publish({ name, sizeBytes, values = Number.POSITIVE_INFINITY }: Extract<Order, { kind: 'publish' }>) {
  const publisher = await runtime.publisher(name, bytesCodable, { pool });
  while (said.written < values) {
    last?.dispose();
    last = await pool.allocate(sizeBytes);
    last.bytes.fill(said.written & 0xff);
    await publisher.write(last.bytes);
    said.written += 1;
    report();
  }
  await publisher.end();
  said.ended = 'end';
}

/** Reads every byte, and never gives the first `keep` values back. */
async function read({ name, keep }: Extract<Order, { kind: 'read' }>): Promise<void> {
  const subscriber = await runtime.subscriber(name, bytesCodable);
  for await (const descriptor of subscriber.descriptors()) {
    const bytes = await descriptor.takeValue();
    if (!isFilled(bytes, bytes[0])) said.garbage += 1;
    said.read += 1;
    report();
    if (said.read > keep) descriptor.dispose();
  }
  said.ended = 'end';
}

async function relay({ from, to }: Extract<Order, { kind: 'relay' }>): Promise<void> {
  const publisher = await runtime.publisher(to, bytesCodable);
  const subscriber = await runtime.subscriber(from, bytesCodable);
  for await (const descriptor of subscriber.descriptors()) {
    await publisher.write(descriptor);
    said.written += 1;
    report();
  }
}
