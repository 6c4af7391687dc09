import { readFileSync, readlinkSync } from 'node:fs';
import { codeOf } from './foreign.js';

export interface ProcessOwners {
  /** This process. Empty where nobody could tell whether it has ended. */
  readonly own: string;
  /** Whether that process has ended for certain. */
  isGone(owner: string): boolean;
}

/**
 * Names this process so that another process of the same host can tell whether it has ended: the boot of the machine, the namespace of process
 * ids, the id, and when the process started, because ids are used again. Without /proc, as on macOS, nobody can tell.
 */
export function processOwners(): ProcessOwners {
  const place = placeOf();
  return {
    own: processIdentity(process.pid),
    isGone: (owner) => place !== undefined && hasEnded(owner, place),
  };
}

/** The same for any process of this host. Empty where nobody could tell whether it has ended, or it has ended already. */
export function processIdentity(pid: number): string {
  const place = placeOf();
  const start = startOf(pid);
  return place === undefined || start === undefined || start === 'ended' ? '' : `${place} ${pid} ${start}`;
}

/** False where that cannot be said for certain. */
function hasEnded(owner: string, place: string): boolean {
  const [boot, namespace, id, start] = owner.split(' ');
  const pid = Number(id);
  if (`${boot} ${namespace}` !== place || start === undefined || !Number.isSafeInteger(pid) || pid <= 0) return false;
  const found = startOf(pid);
  return found === 'ended' || (found !== undefined && found !== start);
}

function placeOf(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid').replaceAll(' ', '')}`;
  } catch {
    return undefined;
  }
}

/** When a process started, in ticks since the boot; 'ended' for a process that is no more. Undefined where that is hidden from this user. */
function startOf(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return isThere(pid) ? undefined : 'ended';
  }
  // The name of the program, in parentheses, may have blanks. The state is the first word after it, and the start the 20th.
  const words = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return words[0] === 'Z' || words[0] === 'X' ? 'ended' : words[19];
}

/** The kernel answers for processes whose /proc is hidden too. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}
