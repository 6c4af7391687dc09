// The same echo for other libraries: a thread or a process that answers messages, and the task of a pool.
import { isMainThread, parentPort } from 'node:worker_threads';

interface Asked {
  readonly value: number;
}

/** For Piscina. */
export default function answer({ value }: Asked): Asked {
  return { value };
}

if (!isMainThread) parentPort?.on('message', (asked: Asked) => parentPort?.postMessage(answer(asked)));
else if (process.send !== undefined) process.on('message', (asked: Asked) => process.send?.(answer(asked)));
