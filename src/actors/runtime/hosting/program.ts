/** What the thread or process of a hosted partition runs. It ends when its partition does. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { readStart } from '../../../resources/execution/index.js';
import { HostedPartition } from './hosted-partition.js';
import { checkStart } from './start.js';

/** Nobody is there any more to whom anything could be told. */
const ORPHANED = 70;

if (isMainThread) {
  // The terminal sends it to every process; the host has it too, and says when to end.
  process.on('SIGINT', () => {});
}
// Whatever comes says: end. A thread that waits for it may end all the same.
parentPort?.on('message', () => process.exit()).unref();
const start: unknown = isMainThread ? await readStart(process.stdin, () => process.exit(ORPHANED)) : workerData;
const partition = new HostedPartition(checkStart(start));
await partition.run();
// User code may have left timers and sockets behind.
process.exit();
