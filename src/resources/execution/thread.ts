import { Worker } from 'node:worker_threads';
import { describeThrown, type Ending, type Execution, type Program, type Thrown } from './execution.js';

/**
 * Runs a program on a worker thread of this process; its start data is in `workerData`. An uncaught exception ends that thread only. Its
 * output goes to the standard output and error of this process. It ends at any message to its port; `beforeKill` is called right
 * before the thread is terminated.
 */
export function startThread({ url, name, start }: Program, beforeKill: (threadId: number) => void): Execution {
  // --input-type applies to a program given as text. Node refuses the option for a module.
  const isText = process.execArgv.some((option) => option.startsWith('--input-type'));
  const worker = new Worker(url, { workerData: start, name, ...(isText && { execArgv: [] }) });
  const { threadId } = worker;
  let isKilled = false;
  let thrown: Thrown | undefined;
  worker.on('error', (error: unknown) => {
    thrown = describeThrown(error);
  });
  const ended = new Promise<Ending>((resolve) => {
    worker.on('exit', (code) => {
      if (thrown !== undefined) resolve({ isClean: false, cause: `it threw ${thrown.what}`, stack: thrown.stack });
      else if (isKilled) resolve({ isClean: false, cause: 'it was terminated' });
      else resolve({ isClean: code === 0, cause: `it ended with exit code ${code}` });
    });
  });
  return {
    place: `thread ${threadId}`,
    threadId,
    ended,
    end: () => worker.postMessage('end'),
    kill: () => {
      isKilled = true;
      beforeKill(threadId);
      void worker.terminate();
    },
  };
}
