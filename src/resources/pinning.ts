import { readFileSync, readlinkSync } from 'node:fs';
import { ResourceError } from '../errors.js';
import { bindThreadMemory, getThreadAffinity, setThreadAffinity } from './native.js';
import { type CpuSet, cpuSet, formatCpuList, parseCpuList } from './topology/index.js';

/**
 * Pins the calling thread to processors, verifies it with the kernel, and returns them. A partition's thread calls this first, with the
 * processors of its plan. Partitions that share the thread of their process are never pinned. Throws ResourceError where the kernel does
 * not comply, cannot be asked, or `cpus` is empty.
 */
export function pinThread(cpus: CpuSet): CpuSet {
  const wanted = cpuSet(cpus);
  if (wanted.length === 0) throw new ResourceError('A thread cannot be pinned to an empty set of processors.');
  setThreadAffinity(wanted);
  const found = getThreadAffinity();
  if (formatCpuList(found) !== formatCpuList(wanted)) {
    throw new ResourceError(
      `A thread should be pinned to the processors ${formatCpuList(wanted)}, but the kernel lets it run on ${formatCpuList(found)}: the cgroup of ` +
        'this process does not allow the others. Remove them from the cpuset.',
    );
  }
  return found;
}

/**
 * Binds future memory allocations of the calling thread to NUMA nodes, and verifies it with the kernel. Does nothing without nodes:
 * then the memory of the machine is unknown. Throws ResourceError where that fails.
 */
export function bindMemory(nodes: CpuSet): void {
  const wanted = formatCpuList(cpuSet(nodes));
  if (wanted === '') return;
  const found = bindThreadMemory(cpuSet(nodes));
  if (found !== wanted) {
    throw new ResourceError(`Memory should be bound to the NUMA nodes ${wanted}, but the kernel reports ${found}.`);
  }
}

/** The processors that the kernel lets the calling thread run on; undefined where there is no /proc. */
export function threadAffinity(): CpuSet | undefined {
  return allowedIn('/proc/thread-self/status');
}

/** The operating system's number of the calling thread; 0 where there is no /proc. */
export function threadNumber(): number {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  } catch {
    // Only Linux has it.
    return 0;
  }
}

/** The processors that the kernel lets the first thread of this process run on. */
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
