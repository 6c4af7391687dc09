import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { cpuQuota, usableParallelism } from '#src/resources/index.js';

const UNIFIED = '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n';
const LEGACY = '33 25 0:28 / /sys/fs/cgroup/cpu rw shared:11 - cgroup cgroup rw,cpu,cpuacct\n';
const NONE = Number.POSITIVE_INFINITY;

describe('the CPU quota of cgroups', () => {
  let root = '';

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'millrace-cgroups-'));
  });

  afterEach(() => rmSync(root, { recursive: true }));

  const cases: Readonly<Record<string, readonly [Readonly<Record<string, string>>, number]>> = {
    'of version 2': [
      {
        'proc/self/cgroup': '0::/app\n',
        'proc/self/mountinfo': UNIFIED,
        'sys/fs/cgroup/app/cpu.max': '150000 100000\n',
      },
      1.5,
    ],
    'without a bound': [
      { 'proc/self/cgroup': '0::/app\n', 'proc/self/mountinfo': UNIFIED, 'sys/fs/cgroup/app/cpu.max': 'max 100000\n' },
      NONE,
    ],
    'of nested groups is the smallest': [
      {
        'proc/self/cgroup': '0::/slice/pod/app\n',
        'proc/self/mountinfo': UNIFIED,
        'sys/fs/cgroup/slice/cpu.max': '800000 100000\n',
        'sys/fs/cgroup/slice/pod/cpu.max': '20000 10000\n',
        'sys/fs/cgroup/slice/pod/app/cpu.max': 'max 100000\n',
      },
      2,
    ],
    'in a container, at the top of what it sees': [
      { 'proc/self/cgroup': '0::/\n', 'proc/self/mountinfo': UNIFIED, 'sys/fs/cgroup/cpu.max': '300000 100000\n' },
      3,
    ],
    'of version 1': [
      {
        'proc/self/cgroup': '5:memory:/app\n4:cpu,cpuacct:/outer/app\n',
        'proc/self/mountinfo': LEGACY,
        'sys/fs/cgroup/cpu/outer/cpu.cfs_quota_us': '250000\n',
        'sys/fs/cgroup/cpu/outer/cpu.cfs_period_us': '100000\n',
        'sys/fs/cgroup/cpu/outer/app/cpu.cfs_quota_us': '-1\n',
        'sys/fs/cgroup/cpu/outer/app/cpu.cfs_period_us': '100000\n',
      },
      2.5,
    ],
    'of version 1, where the mount shows the own group only': [
      {
        'proc/self/cgroup': '4:cpu,cpuacct:/docker/abc\n',
        'proc/self/mountinfo': LEGACY.replace(' / ', ' /docker/abc '),
        'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '50000\n',
        'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      },
      0.5,
    ],
    'of both versions at a time is the smaller': [
      {
        'proc/self/cgroup': '4:cpu:/app\n0::/app\n',
        'proc/self/mountinfo': LEGACY + UNIFIED.replace('/sys/fs/cgroup', '/sys/fs/cgroup/unified'),
        'sys/fs/cgroup/cpu/app/cpu.cfs_quota_us': '400000\n',
        'sys/fs/cgroup/cpu/app/cpu.cfs_period_us': '100000\n',
        'sys/fs/cgroup/unified/app/cpu.max': '600000 100000\n',
      },
      4,
    ],
    'in files that make no sense is none': [
      {
        'proc/self/cgroup': 'nonsense\n0::/app\n',
        'proc/self/mountinfo': `x\n${UNIFIED}`,
        'sys/fs/cgroup/app/cpu.max': 'a lot\n',
        'sys/fs/cgroup/cpu.max': '100000 0\n',
      },
      NONE,
    ],
    'where there are no cgroups is none': [{}, NONE],
  };

  for (const [name, [files, quota]] of Object.entries(cases)) {
    it(name, () => {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(join(root, dirname(path)), { recursive: true });
        writeFileSync(join(root, path), text);
      }
      expect(cpuQuota(root)).to.equal(quota);
    });
  }

  it('bounds what a process has partitions for, which is never less than one', () => {
    expect(usableParallelism()).to.equal(Math.max(1, Math.min(availableParallelism(), Math.floor(cpuQuota()))));
  });
});
