/** A program for a thread of its own, where no AsyncLocalStorage was used: reports what the handlers of its first tells see. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import { until } from '../../support/until.js';
import { closeSystems, testSystem, worker } from './harness.js';

/** `behind`: the first tell with a context follows one without in the same turn. */
export type FirstTells = 'with' | 'behind';

const { system } = testSystem({}, { isReal: true });
const storage = new AsyncLocalStorage<number>();
const seen: (number | undefined)[] = [];
const ref = system.spawn(worker({ push: () => void seen.push(storage.getStore()) }));
let sent = 0;
const send = (): void => {
  sent++;
  ref.push({});
};
if (workerData === 'behind') {
  send();
  storage.run(0, send);
  await until(() => seen.length === sent);
}
for (const value of [1, 2]) {
  storage.run(value, send);
  await until(() => seen.length === sent);
}
await closeSystems();
parentPort?.postMessage(seen);
