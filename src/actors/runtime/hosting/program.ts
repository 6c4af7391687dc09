/**
 * What the thread or process of a hosted partition runs; the entry point `millrace/partition`. It ends when its partition does. Bundles may
 * be CommonJS, so nothing is awaited at the top level.
 */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { endWithParent, readStart, tellLastWords } from '../../../resources/execution/index.js';
import { HostedPartition } from './hosted-partition.js';
import { checkStart } from './start.js';

/** Its host wants no more of it, or is gone: nobody waits for what it has to say. */
const ENDED = 70;

const here: { partition?: HostedPartition } = {};
const end = (): void => {
  void (here.partition?.abandonable() ?? Promise.resolve()).then(() => process.exit(ENDED));
};
if (isMainThread) {
  // Whoever stops a service signals all of its processes. The host gets the signal, too, and says when to end.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => {});
  tellLastWords();
  endWithParent();
}
// Whatever comes says: end. A thread that waits for it may end all the same.
parentPort?.on('message', end).unref();

async function run(): Promise<never> {
  const start: unknown = isMainThread ? await readStart(process.stdin, end) : workerData;
  const partition = new HostedPartition(checkStart(start));
  here.partition = partition;
  process.on('exit', () => partition.abandon());
  await partition.run();
  // User code may have left timers and sockets behind.
  process.exit();
}

// What it throws is uncaught, and ends the thread or process: the host is told so.
void run();
