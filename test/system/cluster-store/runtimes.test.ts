import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const PROGRAM = fileURLToPath(new URL('runtime-process.js', import.meta.url));

describe('processes that find the control plane through a store', function () {
  this.timeout(180_000);
  const children: ChildProcess[] = [];
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-runtimes-'));
    path = join(folder, 'store');
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  async function start(node: string): Promise<{ readonly child: ChildProcess; readonly isServing: boolean }> {
    const child = fork(PROGRAM, [`embedded:${path}`, node]);
    children.push(child);
    const exited = once(child, 'exit').then(([code]) =>
      Promise.reject(new Error(`${node} ended with ${String(code)}`)),
    );
    const [{ isServing }] = (await Promise.race([once(child, 'message'), exited])) as [{ isServing: boolean }];
    return { child, isServing };
  }

  /** Tells its runtime to stop. Resolves with the exit code of the process. */
  async function stop(child: ChildProcess): Promise<unknown> {
    const exit = once(child, 'exit');
    child.send('stop');
    return (await exit)[0];
  }

  it('end by themselves once their runtime has stopped: the one that waits to serve, and the one that serves', async () => {
    const leader = await start('leader');
    const standby = await start('standby');
    expect([leader.isServing, standby.isServing]).to.deep.equal([true, false]);
    expect(await stop(standby.child)).to.equal(0);
    expect(await stop(leader.child)).to.equal(0);
  });

  it('stop to the end also when somebody has damaged the store', async () => {
    const leader = await start('leader');
    writeFileSync(path, 'millrace-cluster-store 1');
    expect(await stop(leader.child)).to.equal(0);
  });
});
