import { readFileSync } from 'node:fs';
import type { ComponentNetwork } from 'millrace';
import { payment as nextPayment } from './next/payment.js';

/** Replaces the containers of the payment by those of its next version. Rejects where the old ones go on. */
export async function deploy(network: ComponentNetwork): Promise<void> {
  const served = [...network.served].find(({ component }) => component.name === nextPayment.name);
  await served?.replace(nextPayment);
}

/** Ends one of these processes as `kill -9` does. Returns its pid; undefined where none of them was started by this one. */
export function killOne(pids: Iterable<number>): number | undefined {
  const pid = [...pids].reverse().find(isChild);
  if (pid !== undefined) process.kill(pid, 'SIGKILL');
  return pid;
}

/** A container may have told the pid of a process on another host: here that is none, or a stranger's. */
function isChild(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(parent) === process.pid;
  } catch {
    return false;
  }
}
