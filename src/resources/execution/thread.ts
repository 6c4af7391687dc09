import { Worker } from 'node:worker_threads';
import type { Ending, Execution, Program } from './execution.js';

/**
 * Runs a program on a worker thread of this process; it finds what it is given in `workerData`. What it throws ends the thread, and
 * nothing else. What it prints goes to the standard output and error of this process. It ends at any message to its port; `beforeKill`
 * is called right before it is terminated instead.
 */
export function startThread({ url, name, start }: Program, beforeKill: (threadId: number) => void): Execution {
  const worker = new Worker(url, { workerData: start, name });
  const { threadId } = worker;
  let thrown: string | undefined;
  worker.on('error', (error: unknown) => {
    thrown = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  });
  const ended = new Promise<Ending>((resolve) => {
    worker.on('exit', (code) => {
      const how = thrown === undefined ? `it ended with exit code ${code}` : `it threw ${thrown}`;
      resolve({ isClean: code === 0 && thrown === undefined, cause: how });
    });
  });
  return {
    place: `thread ${threadId}`,
    threadId,
    ended,
    end: () => worker.postMessage('end'),
    kill: () => {
      beforeKill(threadId);
      void worker.terminate();
    },
  };
}
