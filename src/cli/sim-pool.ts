/** The worker threads of `millrace sim`. Each has one task at a time, and is replaced if it ends during a task. */
import { Worker } from 'node:worker_threads';
import { errorOf, isError, messageOf } from '../foreign.js';
import { packageFile } from '../installation.js';
import type { Task } from './sim-perform.js';

/** The result of a task, or why there is none. */
export type Done<Result> = { readonly result: Result } | { readonly died: string };

export class SimPool {
  readonly #url: string;
  readonly #patienceMs: number;
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();

  /** `url` is that of the workload's module; `patienceMs` real time that one run may take. */
  constructor(url: string, patienceMs: number) {
    this.#url = url;
    this.#patienceMs = patienceMs;
  }

  /** Resolves with what the worker posts. */
  async perform<Result>(task: Task, extraMs = 0): Promise<Done<Result>> {
    const worker = this.#idle.pop() ?? this.#start();
    const done = await answerOf<Result>(worker, task, this.#patienceMs + extraMs);
    if ('result' in done) this.#idle.push(worker);
    else {
      this.#all.delete(worker);
      await worker.terminate();
    }
    return done;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all].map((worker) => worker.terminate()));
    this.#all.clear();
  }

  #start(): Worker {
    const worker = new Worker(packageFile('dist/cli/sim-worker.js', 'Each job of millrace sim runs it.'), {
      workerData: this.#url,
    });
    // An error of an idle worker must not end this process. The worker is replaced when its next task gets no answer.
    worker.on('error', () => {});
    this.#all.add(worker);
    return worker;
  }
}

function answerOf<Result>(worker: Worker, task: Task, withinMs: number): Promise<Done<Result>> {
  return new Promise((resolve) => {
    const answered = (result: Result): void => end({ result });
    const failed = (error: unknown): void => end({ died: `uncaught error: ${textOf(error)}` });
    const exited = (code: number): void => end({ died: `its worker ended with code ${code}` });
    const end = (done: Done<Result>): void => {
      clearTimeout(timer);
      worker.off('message', answered).off('error', failed).off('exit', exited);
      resolve(done);
    };
    const timer = setTimeout(() => end({ died: `it did not end within ${withinMs / 1_000} s` }), withinMs);
    worker.on('message', answered).on('error', failed).on('exit', exited);
    worker.postMessage(task);
  });
}

function textOf(error: unknown): string {
  return isError(error) ? (errorOf(error).stack ?? messageOf(error)) : messageOf(error);
}
