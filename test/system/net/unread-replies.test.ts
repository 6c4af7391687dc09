import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { later } from '#src/actors/kernel/index.js';
import { Executor } from '#src/actors/runtime/index.js';
import { silentLogger } from '#src/logging/index.js';
import { Errands } from '../../actors/transport/errands.js';
import { errands } from '../../actors/transport/partitions.js';
import { gate } from '../../support/deferred.js';
import { eventually } from '../../support/until.js';

const PROGRAM = fileURLToPath(new URL('asker-process.js', import.meta.url));
const ASKERS = 3;
const ASKS = 40;
const LOAD = new Uint8Array(1_000_000);
const REPLY_BYTES = 16 * 1024 * 1024;

describe('processes that ask, and then read nothing', function () {
  this.timeout(120_000);
  const children: ChildProcess[] = [];
  const executors: Executor[] = [];
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      const exit = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
      child.kill('SIGKILL');
      await exit;
    }
    for (const executor of executors.splice(0).toReversed()) await executor.stop();
    rmSync(folder, { recursive: true });
  });

  it('cost the process that answers no more than replyBytes, and a process that reads loses nothing', async () => {
    const program = (): Executor => {
      const executor = new Executor({ log: silentLogger, net: { socketFolder: folder } });
      executors.push(executor);
      return executor;
    };
    const server = await program().start({ node: 'server', linkLimits: { replyBytes: REPLY_BYTES } });
    const { passed, open } = gate();
    let held = 0;
    const run = async (_state: undefined, { value }: { value: number }) => {
      if (value === 1) {
        held++;
        await passed;
      }
      return { load: LOAD };
    };
    // Each ask that waits has an actor of its own behind this one.
    const front = errands({
      run: (_state, request, ctx) => later(ctx.spawn(errands({ run })).run(request, { timeoutMs: 60_000 })),
    });
    server.spawn(front, { name: 'errands', register: true });
    for (let asker = 0; asker < ASKERS; asker++) {
      children.push(fork(PROGRAM, [server.controlPlane, String(ASKS)]));
    }
    await eventually(() => held === ASKERS * ASKS);
    for (const child of children) child.kill('SIGSTOP');
    const reader = await (await program().start({ node: 'reader', controlPlane: server.controlPlane })).lookup(
      Errands,
      'errands',
    );
    const before = heldBytes();
    open();
    for (let asked = 0; asked < 20; asked++)
      expect((await reader.run({ value: 2 })).load).to.have.lengthOf(LOAD.length);
    // Windows and sockets of each link come on top.
    expect(heldBytes() - before).to.be.below(2 * REPLY_BYTES + (ASKERS + 1) * 8 * LOAD.length);
  });
});

/** Bytes of buffers that are in use: garbage is collected first. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().arrayBuffers;
}
