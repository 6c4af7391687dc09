import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import {
  type Arena,
  type ArenaSource,
  assertAvailable,
  cgroupBytes,
  MemoryPool,
  openArenas,
} from '#src/descriptors/index.js';
import { ResourceError } from '#src/errors.js';
import { userMUid } from '#src/ids/index.js';
import { limits } from '#src/limits.js';
import { silentLogger } from '#src/logging/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { pendingBecause } from '../support/pending.js';
import { rejection } from '../support/rejection.js';
import { describeWithSharedMemory, MIB } from './pools.js';

/** Exit code of a process that may not enter a cgroup. */
const NOT_ALLOWED = 77;

describe('the memory that a process can get', () => {
  let root = '';

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'millrace-test-'));
  });

  afterEach(async () => {
    await rm(root, { recursive: true, force: true });
  });

  async function write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), text);
    }
  }

  it('is not limited without cgroups', () => {
    expect(cgroupBytes(root)).to.equal(Number.POSITIVE_INFINITY);
  });

  it('is what is left in its cgroup, where cached files count as free', async () => {
    await write({
      'proc/self/cgroup': '0::/app\n',
      'sys/fs/cgroup/app/memory.max': '1000\n',
      'sys/fs/cgroup/app/memory.current': '700\n',
      'sys/fs/cgroup/app/memory.stat': 'anon 100\ninactive_file 200\nactive_file 300\n',
    });
    expect(cgroupBytes(root)).to.equal(500);
  });

  it('is the least that is left in any cgroup around it', async () => {
    await write({
      'proc/self/cgroup': '0::/a/b\n',
      'sys/fs/cgroup/a/memory.max': '300',
      'sys/fs/cgroup/a/memory.current': '290',
      'sys/fs/cgroup/a/b/memory.max': 'max',
      'sys/fs/cgroup/a/b/memory.current': '5',
    });
    expect(cgroupBytes(root)).to.equal(10);
  });

  it('is found in version 1 of cgroups, and where a container shows its own as the top', async () => {
    await write({
      'proc/self/cgroup': '5:cpu:/other\n4:memory:/docker/1234\n',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': '900',
      'sys/fs/cgroup/memory/memory.usage_in_bytes': '400',
      'sys/fs/cgroup/memory/memory.stat': 'inactive_file 1\ntotal_inactive_file 100\n',
    });
    expect(cgroupBytes(root)).to.equal(600);
    await write({ 'sys/fs/cgroup/memory/memory.usage_in_bytes': '2000' });
    expect(cgroupBytes(root)).to.equal(0);
  });

  it('is not taken to the last byte', () => {
    assertAvailable(100, limits.spareMemoryBytes + 100);
    expect(() => assertAvailable(101, limits.spareMemoryBytes + 100)).to.throw(ResourceError, '101 bytes of memory');
  });
});

describe('a pool whose machine has no memory left', () => {
  it('fails the call for which there was none, and serves the next', async () => {
    const real = openArenas('private');
    let refusals = 1;
    const arenas: ArenaSource = {
      memory: real.memory,
      create: async (sizeBytes): Promise<Arena> => {
        if (refusals === 0) return real.create(sizeBytes);
        refusals -= 1;
        throw new ResourceError('no memory');
      },
    };
    const parts = { mUid: userMUid(1, 1), arenas, scheduler: new RealScheduler(), log: silentLogger };
    const pool = new MemoryPool(parts, { limitBytes: MIB });
    const [first, second] = [rejection(pool.allocate(10)), pool.allocate(10)];
    expect(await first)
      .to.be.instanceOf(ResourceError)
      .with.property('message', 'no memory');
    expect((await second).sizeBytes).to.equal(10);
    pool.close();
  });

  it('says why its memory is not shared', () => {
    expect(openArenas('private').memory).to.deep.equal({ kind: 'private', reason: 'the option memory is private' });
  });
});

describeWithSharedMemory('a process in a small cgroup', () => {
  it('gets an error for memory that the cgroup does not have, and is not killed', function () {
    const group = smallCgroup(256 * MIB);
    if (group === undefined) pendingBecause(this, 'it needs the right to make a cgroup of version 1 or 2');
    const program = `
      import { openArenas } from '#src/descriptors/index.js';
      const arenas = openArenas('shared');
      const arena = await arenas.create(${32 * MIB});
      arena.close();
      await arenas.create(${512 * MIB}).catch((error) => console.log(error.name));`;
    try {
      const command = `echo $$ > ${group}/cgroup.procs || exit ${NOT_ALLOWED}; exec "$0" --input-type=module -e "$1"`;
      const child = spawnSync('sh', ['-c', command, process.execPath, program], { encoding: 'utf8' });
      if (child.status === NOT_ALLOWED) pendingBecause(this, 'it needs the right to enter a cgroup');
      expect(child.signal, child.stderr).to.equal(null);
      expect(child.stdout).to.equal('ResourceError\n');
    } finally {
      rmdirSync(group);
    }
  });
});

/** A new cgroup with so much memory; undefined where this process may make none. */
function smallCgroup(sizeBytes: number): string | undefined {
  const own = readFileSync('/proc/self/cgroup', 'utf8');
  const name = `millrace-test-${process.pid}`;
  const legacy = /^\d+:memory:(.*)$/m.exec(own)?.[1];
  const [folder, file] =
    legacy === undefined
      ? [`/sys/fs/cgroup${/^0::(.*)$/m.exec(own)?.[1] ?? ''}/${name}`, 'memory.max']
      : [`/sys/fs/cgroup/memory${legacy}/${name}`, 'memory.limit_in_bytes'];
  try {
    mkdirSync(folder);
  } catch {
    return undefined;
  }
  try {
    writeFileSync(join(folder, file), String(sizeBytes));
    return folder;
  } catch {
    rmdirSync(folder);
    return undefined;
  }
}
