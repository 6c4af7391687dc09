// The far end of a subject, in a process (`node far.js SUBJECT`) or a thread (`workerData`) of its own.
import { argv } from 'node:process';
import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { beforeTheEnd, endAll } from '../harness/endings.js';
import { subjects } from './subjects.js';

/** What the near end says. */
export type Order = 'cpu' | 'end';
/** What the far end says: where it can be reached, the CPU time that its process has taken, in us. */
type Word = { readonly address: string | MessagePort } | { readonly cpuUs: number };

const name = String(isMainThread ? argv[2] : workerData);
const subject = subjects[name];
if (subject === undefined) throw new Error(`there is no far end of ${name}`);
const server = await (await subject.load()).serve();

if (isMainThread) {
  beforeTheEnd(() => Promise.resolve(server.close()));
  process.on('message', obey).on('disconnect', endAll);
  if (!process.connected) endAll();
} else {
  parentPort?.on('message', obey);
}
say({ address: server.address });

function obey(order: Order): void {
  if (order === 'end') return end();
  const { user, system } = process.cpuUsage();
  return say({ cpuUs: user + system });
}

function say(word: Word): void {
  if (isMainThread) process.send?.(word);
  else parentPort?.postMessage(word, 'address' in word && typeof word.address !== 'string' ? [word.address] : []);
}

/** A thread ends by itself when nothing is left to do: native links want it so. */
function end(): void {
  if (isMainThread) endAll();
  else void Promise.resolve(server.close()).then(() => parentPort?.close());
}
