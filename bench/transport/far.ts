// The far end of a subject, in its own process (`node far.js SUBJECT`) or thread (`workerData`).
import { argv } from 'node:process';
import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { valueSubjects } from '../descriptors/subjects.js';
import { onShutdown, shutdown } from '../harness/shutdown.js';
import { loadSubjects } from '../load/subjects.js';
import type { Server } from './peer.js';
import { subjects } from './subjects.js';

/** A command of the near end. */
export type Command = 'cpu' | 'end';
/** An answer of the far end: its address, or the CPU time of its process in us. */
type Answer = { readonly address: string | MessagePort } | { readonly cpuUs: number };

const name = String(isMainThread ? argv[2] : workerData);
const server = await serve();

if (isMainThread) {
  onShutdown(() => Promise.resolve(server.close()));
  process.on('message', execute).on('disconnect', shutdown);
  if (!process.connected) shutdown();
} else {
  parentPort?.on('message', execute);
}
sendAnswer({ address: server.address });

async function serve(): Promise<Server> {
  const subject = subjects[name] ?? valueSubjects[name] ?? loadSubjects[name];
  const serving = (await subject?.load())?.serve?.();
  if (serving === undefined) throw new Error(`there is no far end of ${name}`);
  return serving;
}

function execute(command: Command): void {
  if (command === 'end') return end();
  const { user, system } = process.cpuUsage();
  return sendAnswer({ cpuUs: user + system });
}

function sendAnswer(answer: Answer): void {
  if (isMainThread) process.send?.(answer);
  else
    parentPort?.postMessage(answer, 'address' in answer && typeof answer.address !== 'string' ? [answer.address] : []);
}

/** A thread must end by itself, when it has nothing left to do: native links require it. */
function end(): void {
  if (isMainThread) shutdown();
  else void Promise.resolve(server.close()).then(() => parentPort?.close());
}
