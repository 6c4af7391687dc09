import { readFileSync, readlinkSync } from 'node:fs';
import { ResourceError } from '../errors.js';
import { bindThreadMemory, getThreadAffinity, setThreadAffinity } from './native.js';
import { type CpuSet, cpuSet, formatCpuList, parseCpuList } from './topology/index.js';

/**
 * Pins the calling thread to processors, reads back from the kernel that it is, and returns them: a thread of a partition calls this for
 * itself, with the processors of its plan, before it does anything else. Partitions that share the thread of their process are never
 * pinned. ResourceError where the kernel does otherwise, cannot be asked, or there is nothing to pin to.
 */
export function pinThread(cpus: CpuSet): CpuSet {
  const wanted = cpuSet(cpus);
  if (wanted.length === 0) throw new ResourceError('A thread cannot be pinned to no processor.');
  setThreadAffinity(wanted);
  const found = getThreadAffinity();
  if (formatCpuList(found) !== formatCpuList(wanted)) {
    throw new ResourceError(
      `A thread was to be pinned to the processors ${formatCpuList(wanted)}, and the kernel lets it run on ${formatCpuList(found)}: ` +
        'the cgroup of this process withholds the others. Leave them out of the cpuset.',
    );
  }
  return found;
}

/**
 * Binds the memory that the calling thread takes from now on to NUMA nodes, and reads it back. Without nodes, which is where nothing is
 * known of memory, it does nothing. ResourceError where it cannot.
 */
export function bindMemory(nodes: CpuSet): void {
  const wanted = formatCpuList(cpuSet(nodes));
  if (wanted === '') return;
  const found = bindThreadMemory(cpuSet(nodes));
  if (found !== wanted) {
    throw new ResourceError(`Memory was to be bound to the NUMA nodes ${wanted}, and the kernel says ${found}.`);
  }
}

/** The processors that the calling thread may run on, as the kernel says; undefined where there is no /proc. */
export function threadAffinity(): CpuSet | undefined {
  return allowedIn('/proc/thread-self/status');
}

/** How the operating system calls the calling thread; 0 where there is no /proc. */
export function threadNumber(): number {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  } catch {
    // Only Linux has it.
    return 0;
  }
}

/** The same of the process: of its first thread. */
export function processAffinity(): CpuSet | undefined {
  return allowedIn('/proc/self/status');
}

function allowedIn(path: string): CpuSet | undefined {
  let status: string;
  try {
    status = readFileSync(path, 'utf8');
  } catch {
    // Only Linux has it.
    return undefined;
  }
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1];
  return list === undefined ? undefined : cpuSet(parseCpuList(list));
}
