/**
 * How much memory this process can still get. The kernel does not refuse memory of a file: when there is none left, it kills a process. So this
 * is asked before memory is reserved.
 */
import { readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { dirname, join } from 'node:path';
import { ResourceError } from '../../errors.js';
import { limits } from '../../limits.js';

/** Where cgroups are mounted: version 2, version 1, and version 2 beside version 1. */
const MOUNTS = ['sys/fs/cgroup', 'sys/fs/cgroup/memory', 'sys/fs/cgroup/unified'];

/** Throws ResourceError if reserving this many bytes would leave less than `limits.spareMemoryBytes` free. */
export function assertAvailable(sizeBytes: number, free: number = availableBytes()): void {
  if (sizeBytes + limits.spareMemoryBytes <= free) return;
  throw new ResourceError(
    `${sizeBytes} bytes of memory were not reserved: this process can get ${free} bytes more, of which ${limits.spareMemoryBytes} stay free. ` +
      'Dispose blocks, lower the limits of pools, or give the machine or the cgroup more memory.',
  );
}

/** Bytes that this process can get before the kernel kills something: the free memory of the machine and of all enclosing cgroups. */
export function availableBytes(): number {
  return Math.min(freemem(), cgroupBytes());
}

/**
 * The least that is left in any cgroup around this process; `Infinity` without limits. `root` is the folder that contains /proc and the
 * mounted cgroups.
 */
export function cgroupBytes(root = '/'): number {
  const own = /^(?:0:|\d+:(?:[^:\n]*,)?memory(?:,[^:\n]*)?):(.*)$/gm;
  const paths = [...textOf(join(root, 'proc/self/cgroup')).matchAll(own)].map(([, path = '/']) => path);
  // In a container the mount may show the process's cgroup as its top, where the path does not exist.
  const folders = paths.flatMap(withParents).flatMap((path) => MOUNTS.map((mount) => join(root, mount, path)));
  return Math.min(Number.POSITIVE_INFINITY, ...[...new Set(folders)].map(leftIn));
}

/** `/a/b`, `/a` and `/`. */
function withParents(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [path, ...withParents(parent)];
}

/** Limit minus use. Memory that only caches files counts as used, and the kernel takes it back when somebody needs it. */
function leftIn(folder: string): number {
  const limit = numberIn(folder, 'memory.max') ?? numberIn(folder, 'memory.limit_in_bytes');
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  const used = numberIn(folder, 'memory.current') ?? numberIn(folder, 'memory.usage_in_bytes') ?? 0;
  const statistics = textOf(join(folder, 'memory.stat'));
  const cached = /^total_inactive_file (\d+)$/m.exec(statistics) ?? /^inactive_file (\d+)$/m.exec(statistics);
  return Math.max(0, limit - used + Number(cached?.[1] ?? 0));
}

/** Undefined where the file does not exist, or says `max`. */
function numberIn(folder: string, file: string): number | undefined {
  const text = textOf(join(folder, file)).trim();
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
