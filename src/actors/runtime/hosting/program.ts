/**
 * The main module of a hosted partition's thread or process; the entry point `millrace/partition`. It ends when its partition ends. It has
 * no top-level await, because bundles may be CommonJS.
 */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { endWithParent, readStart, tellLastWords } from '../../../resources/execution/index.js';
import { HostedPartition } from './hosted-partition.js';
import { checkStart } from './start.js';

/** The host has terminated the partition, or has ended itself: nothing is reported any more. */
const ENDED = 70;

const here: { partition?: HostedPartition } = {};
const end = (): void => {
  void (here.partition?.abandonable() ?? Promise.resolve()).then(() => process.exit(ENDED));
};
if (isMainThread) {
  // A signal may be sent to all processes of a service. The host receives it too, and tells this process when to end.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => {});
  tellLastWords();
  endWithParent();
}
// Any message means: end. Listening to the port does not keep the thread alive.
parentPort?.on('message', end).unref();

async function run(): Promise<never> {
  const start: unknown = isMainThread ? await readStart(process.stdin, end) : workerData;
  const partition = new HostedPartition(checkStart(start));
  here.partition = partition;
  process.on('exit', () => partition.abandon());
  await partition.run();
  // User code may have left timers and sockets open.
  process.exit();
}

// An error is uncaught, and ends the thread or process; the host learns of that.
void run();
