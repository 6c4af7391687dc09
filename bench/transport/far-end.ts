import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { MessagePort, Worker } from 'node:worker_threads';
import type { Order } from './far.js';
import type { Address } from './peer.js';

const PROGRAM = new URL('far.js', import.meta.url);

/** The far end of a subject, as the near end sees it. */
export interface FarEnd {
  readonly address: Address;
  /** Rejects with FarEndError when it has ended, wanted or not. */
  readonly gone: Promise<never>;
  /** CPU time that it has taken so far, in us, beside that of this process. */
  cpuUs(): Promise<number>;
  /** Resolves when it has ended. */
  end(): Promise<void>;
}

/** The far end has ended. */
export class FarEndError extends Error {
  static {
    // So its stack begins with it.
    this.prototype.name = 'FarEndError';
  }
}

export async function startProcess(subject: string): Promise<FarEnd> {
  const child = fork(fileURLToPath(PROGRAM), [subject], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const gone = endOf(child);
  return {
    address: addressIn(await answerOf(child, gone)),
    gone,
    cpuUs: () => {
      child.send('cpu' satisfies Order);
      return answerOf(child, gone).then(timeIn);
    },
    end: () => {
      child.send('end' satisfies Order);
      return gone.catch(() => undefined);
    },
  };
}

export async function startThread(subject: string): Promise<FarEnd> {
  const worker = new Worker(PROGRAM, { workerData: subject });
  const gone = endOf(worker);
  return {
    address: addressIn(await answerOf(worker, gone)),
    gone,
    // It is in that of this process.
    cpuUs: () => Promise.resolve(0),
    end: () => {
      worker.postMessage('end' satisfies Order);
      return gone.catch(() => undefined);
    },
  };
}

function endOf(far: ChildProcess | Worker): Promise<never> {
  const gone = new Promise<never>((_, reject) => {
    far.on('error', (cause) => reject(new FarEndError(`The far end has failed: ${cause.stack}`)));
    far.on('exit', (code, signal) =>
      reject(new FarEndError(`The far end has ended with ${signal ?? `exit code ${code}`}.`)),
    );
  });
  // It matters to those alone who wait for something else.
  gone.catch(() => undefined);
  return gone;
}

async function answerOf(far: ChildProcess | Worker, gone: Promise<never>): Promise<unknown> {
  const answers: unknown[] = await Promise.race([once(far, 'message'), gone]);
  return answers[0];
}

function addressIn(answer: unknown): Address {
  const address = typeof answer === 'object' && answer !== null && 'address' in answer ? answer.address : undefined;
  if (typeof address === 'string' || address instanceof MessagePort) return address;
  throw new Error('The far end said no address.');
}

function timeIn(answer: unknown): number {
  return typeof answer === 'object' && answer !== null && 'cpuUs' in answer ? Number(answer.cpuUs) : Number.NaN;
}
