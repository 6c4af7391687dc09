import { fork } from 'node:child_process';
import { type EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { MessagePort, Worker } from 'node:worker_threads';
import type { Order } from './far.js';
import type { Address } from './peer.js';

const PATIENCE_MS = 20_000;
const PROGRAM = new URL('far.js', import.meta.url);

/** The far end of a subject, as the near end sees it. That it ends too soon ends this process, too. */
export interface FarEnd {
  readonly address: Address;
  /** CPU time that it has taken so far, in us, beside that of this process. */
  cpuUs(): Promise<number>;
  end(): Promise<unknown>;
}

export async function startProcess(subject: string): Promise<FarEnd> {
  const child = fork(fileURLToPath(PROGRAM), [subject], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const ended = endOf(child);
  return {
    address: addressIn(await answerOf(child)),
    cpuUs: () => {
      const answer = answerOf(child);
      child.send('cpu' satisfies Order);
      return answer.then(timeIn);
    },
    end: () => ended(() => child.send('end' satisfies Order)),
  };
}

export async function startThread(subject: string): Promise<FarEnd> {
  const worker = new Worker(PROGRAM, { workerData: subject });
  const ended = endOf(worker);
  return {
    address: addressIn(await answerOf(worker)),
    // It is in that of this process.
    cpuUs: () => Promise.resolve(0),
    end: () => ended(() => worker.postMessage('end' satisfies Order)),
  };
}

function endOf(far: EventEmitter): (order: () => void) => Promise<void> {
  let isWanted = false;
  const ended = new Promise<void>((resolve) => far.once('exit', () => resolve()));
  void ended.then(() => {
    if (!isWanted) throw new Error('The far end has ended too soon.');
  });
  return (order) => {
    isWanted = true;
    order();
    return ended;
  };
}

async function answerOf(far: EventEmitter): Promise<unknown> {
  const answers: unknown[] = await once(far, 'message', { signal: AbortSignal.timeout(PATIENCE_MS) });
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
