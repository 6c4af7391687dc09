/** A worker thread of `millrace sim`. Performs one task after another. */
import { parentPort, workerData } from 'node:worker_threads';
import { importWorkload, perform, type Task } from './sim-perform.js';

const workload = await importWorkload(String(workerData));
parentPort?.on('message', (task: Task) => void answer(task));

async function answer(task: Task): Promise<void> {
  parentPort?.postMessage(await perform(workload, task));
}
