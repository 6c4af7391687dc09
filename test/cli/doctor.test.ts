import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Runtime } from '#src/actors/runtime/index.js';
import { bytesCodable } from '#src/descriptors/index.js';
import { silentLogger } from '#src/logging/index.js';
import type { Said } from '../actors/values/far-process.js';
import { eventually } from '../support/until.js';
import { Folder } from './millrace.js';

const program = fileURLToPath(new URL('../actors/values/far-process.js', import.meta.url));
const SIZE = 1024 * 1024;

describe('millrace doctor', function () {
  this.timeout(180_000);
  const folder = new Folder();
  let runtime: Runtime;
  let reader: ChildProcess | undefined;

  before(async () => {
    runtime = await Runtime.start({
      listen: 'unix:',
      ucx: 'off',
      nodeName: 'shop',
      partitions: 2,
      placement: 'thread',
      log: silentLogger,
    });
  });

  after(async () => {
    await kill();
    await runtime.stop();
    await folder.remove();
  });

  /** kill -9. */
  async function kill(): Promise<void> {
    const child = reader;
    reader = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  /** A process that reads values and never gives them back. */
  async function startReader(): Promise<() => number> {
    let said: Said | undefined;
    const child = fork(program, [runtime.controlPlane]);
    reader = child;
    child.on('message', (message: Said) => (said = message));
    await eventually(() => said !== undefined);
    child.send({ kind: 'read', name: 'frames', keep: 100 });
    return () => said?.read ?? 0;
  }

  function doctor(...words: string[]) {
    return folder.ask(['doctor', '--control-plane', runtime.controlPlane, ...words]);
  }

  it('prints who holds what, and after a kill what was reclaimed and that nothing remains', async () => {
    const publisher = await runtime.publisher('frames', bytesCodable);
    const read = await startReader();
    for (const fill of [1, 2, 3]) await publisher.write(new Uint8Array(SIZE).fill(fill));
    await eventually(() => read() === 3);

    const held = await doctor();
    expect(held.stderr).to.equal('');
    expect(held.code, held.stdout).to.equal(0);
    expect(held.stdout).to.match(
      /^partition \d+ \(shop\/process-0\): 3 values \(3\.0 MiB\) held by others, 0 values \(0 B\) of others held here$/m,
    );
    expect(held.stdout).to.match(/^ {2}partition \d+ \(far-\d+\/process-0\) holds 3 values \(3\.0 MiB\)$/m);
    expect(held.stdout).to.match(/^ {2}holds 3 values \(3\.0 MiB\) of partition \d+ \(shop\/process-0\)$/m);
    expect(held.stdout).to.match(
      /^ {2}value 1: millrace\.Uint8Array, 1\.0 MiB, [\d.]+ s old, from publisher frames, held by partition \d+ /m,
    );
    expect(held.stdout).to.match(/^ {2}pool values \((shared|private)\): 3\.0 MiB used in 3 blocks, /m);
    expect(held.stdout.match(/^partition /gm)).to.have.length(3);
    expect(held.stdout).to.match(/\nno problem found\n$/);

    await kill();
    await eventually(() => runtime.metrics().values.owned === 0);
    const after = await doctor();
    expect(after.code, after.stdout).to.equal(0);
    expect(after.stdout).to.match(
      /^ {2}partition \d+ ended [\d.]+ s ago: it held 3 values \(3\.0 MiB\), 3 values \(3\.0 MiB\) freed; /m,
    );
    expect(after.stdout).to.include(
      '0 values (0 B) held, 3 values (3.0 MiB) reclaimed from processes that have ended, 0 values (0 B) remaining of them',
    );
    await publisher.close();
  });

  it('prints all of it as JSON, with pools that are full among the problems', async () => {
    const pool = runtime.createPool({ name: 'small', limitBytes: 8192, timeoutMs: 50_000 });
    using _held = await pool.allocate(8192);
    const ending = new AbortController();
    const waiting = pool.allocate(1, { signal: ending.signal }).catch(() => {});
    const { code, stdout } = await doctor('--json');
    ending.abort();
    await waiting;
    expect(code).to.equal(1);
    const { partitions, findings } = JSON.parse(stdout) as {
      partitions: { node: string; description: { pools: { name: string; waiting: number; limitBytes: number }[] } }[];
      findings: string[];
    };
    const pools = partitions.flatMap(({ description }) => description.pools);
    expect(pools.find(({ name }) => name === 'small')).to.include({ waiting: 1, limitBytes: 8192 });
    expect(findings).to.have.length(1);
    expect(findings[0]).to.match(/^The pool "small" of partition \d+ is full: 1 calls wait for memory\./);
    pool.close();
  });

  it('says what it lacks where no cluster is named, or none answers', async () => {
    const unnamed = await folder.ask(['doctor']);
    expect([unnamed.code, unnamed.stdout]).to.deep.equal([2, '']);
    expect(unnamed.stderr).to.include('No cluster is named');
    const gone = await folder.ask(['doctor', '--control-plane', 'tcp://127.0.0.1:1', '--timeout', '500'], {
      MILLRACE_KEYLESS: 'loopback',
    });
    expect([gone.code, gone.stdout]).to.deep.equal([1, '']);
    expect(gone.stderr).to.match(/^millrace: .*127\.0\.0\.1:1/);
    expect(gone.stderr.split('\n')).to.have.length(2);
  });
});
