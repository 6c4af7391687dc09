import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { MessagePort, Worker } from 'node:worker_threads';
import type { Command } from './far.js';
import type { Address } from './peer.js';

const PROGRAM = new URL('far.js', import.meta.url);

/** A handle on the far end of a subject. */
export interface FarEnd {
  readonly address: Address;
  /** Rejects with FarEndError when the far end exits, for any reason. */
  readonly exited: Promise<never>;
  /** CPU time of the far end so far, in us, unless it is part of this process. */
  cpuUs(): Promise<number>;
  /** Resolves when it has exited. */
  end(): Promise<void>;
}

/** The far end has exited. */
export class FarEndError extends Error {
  static {
    // On the prototype, so that the stack starts with this name.
    this.prototype.name = 'FarEndError';
  }
}

export async function startProcess(subject: string): Promise<FarEnd> {
  const child = fork(fileURLToPath(PROGRAM), [subject], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const exited = endOf(child);
  return {
    address: addressIn(await answerOf(child, exited)),
    exited,
    cpuUs: () => {
      child.send('cpu' satisfies Command);
      return answerOf(child, exited).then(timeIn);
    },
    end: () => {
      child.send('end' satisfies Command);
      return exited.catch(() => undefined);
    },
  };
}

export async function startThread(subject: string): Promise<FarEnd> {
  const worker = new Worker(PROGRAM, { workerData: subject });
  const exited = endOf(worker);
  return {
    address: addressIn(await answerOf(worker, exited)),
    exited,
    // The CPU time of a thread is part of this process.
    cpuUs: () => Promise.resolve(0),
    end: () => {
      worker.postMessage('end' satisfies Command);
      return exited.catch(() => undefined);
    },
  };
}

function endOf(far: ChildProcess | Worker): Promise<never> {
  const exited = new Promise<never>((_, reject) => {
    far.on('error', (cause) => reject(new FarEndError(`The far end has failed: ${cause.stack}`)));
    far.on('exit', (code, signal) =>
      reject(new FarEndError(`The far end has ended with ${signal ?? `exit code ${code}`}.`)),
    );
  });
  // Not an unhandled rejection: only those who wait for an answer handle it.
  exited.catch(() => undefined);
  return exited;
}

async function answerOf(far: ChildProcess | Worker, exited: Promise<never>): Promise<unknown> {
  const answers: unknown[] = await Promise.race([once(far, 'message'), exited]);
  return answers[0];
}

function addressIn(answer: unknown): Address {
  const address = typeof answer === 'object' && answer !== null && 'address' in answer ? answer.address : undefined;
  if (typeof address === 'string' || address instanceof MessagePort) return address;
  throw new Error('The far end has not sent its address.');
}

function timeIn(answer: unknown): number {
  return typeof answer === 'object' && answer !== null && 'cpuUs' in answer ? Number(answer.cpuUs) : Number.NaN;
}
