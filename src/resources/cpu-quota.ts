import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/**
 * The useful number of threads on this machine: one for each processor that this process may use, but not more than its cgroups' CPU
 * quota allows, and at least one. Above the quota, the kernel stops all threads for a part of each period.
 */
export function usableParallelism(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(cpuQuota())));
}

/**
 * The CPU quota of this process's cgroups, in processors, which may be a fraction; `Infinity` without a quota. The smallest quota of
 * all enclosing cgroups counts. `root` is the folder that contains /proc and the mounted cgroups.
 */
export function cpuQuota(root = '/'): number {
  const groups = lines(root, '/proc/self/cgroup').map((line) => line.split(':'));
  const quotas = lines(root, '/proc/self/mountinfo')
    .flatMap((line) => mountOf(line) ?? [])
    .flatMap((mount) => {
      const group = groups.find(([id, names = '']) =>
        mount.isUnified ? id === '0' : names.split(',').includes('cpu'),
      );
      return group === undefined ? [] : quotasOf(root, mount, group.slice(2).join(':'));
    });
  return Math.min(Number.POSITIVE_INFINITY, ...quotas);
}

/** A mounted hierarchy of cgroups that has the controller `cpu`. */
interface Mount {
  readonly isUnified: boolean;
  /** The cgroup that the mount point shows. */
  readonly top: string;
  readonly folder: string;
}

/** `30 23 0:26 /top /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw` */
function mountOf(line: string): Mount | undefined {
  const [before = '', after = ''] = line.split(' - ');
  const [, , , top = '', folder = ''] = before.split(' ');
  const [type, , options = ''] = after.split(' ');
  const isUnified = type === 'cgroup2';
  if (!isUnified && !(type === 'cgroup' && options.split(',').includes('cpu'))) return undefined;
  return { isUnified, top, folder };
}

/** The quotas of the cgroup, and of all visible cgroups that enclose it. */
function quotasOf(root: string, { isUnified, top, folder }: Mount, path: string): number[] {
  const quotaOf = isUnified ? unifiedQuota : legacyQuota;
  const parts = below(path, top).split('/').filter(Boolean);
  return Array.from({ length: parts.length + 1 }, (_, depth) => {
    const [quota, period] = quotaOf(root, join(folder, ...parts.slice(0, depth))).map(Number);
    return quota !== undefined && period !== undefined && quota > 0 && period > 0
      ? quota / period
      : Number.POSITIVE_INFINITY;
  });
}

/** The path below the mount's top. In a container the mount may show another part of the hierarchy; then its top is the process's cgroup. */
function below(path: string, top: string): string {
  if (top === '/') return path;
  return path === top || path.startsWith(`${top}/`) ? path.slice(top.length) : '/';
}

/** `max 100000` or `150000 100000`, in microseconds. */
function unifiedQuota(root: string, group: string): string[] {
  return (lines(root, `${group}/cpu.max`)[0] ?? '').split(' ');
}

/** A quota of -1 means no quota. */
function legacyQuota(root: string, group: string): string[] {
  return ['quota', 'period'].map((name) => lines(root, `${group}/cpu.cfs_${name}_us`)[0] ?? '');
}

/** The lines of a file; empty where it does not exist: only Linux has cgroups, and the root cgroup has no quota. */
function lines(root: string, path: string): string[] {
  try {
    return readFileSync(join(root, path), 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}
