import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { Executor } from '#src/actors/runtime/index.js';
import { StoppedError } from '#src/errors.js';
import { silentLogger } from '#src/logging/index.js';
import flow from '../../actors/runtime/hosting/far-flow.js';
import { rejection } from '../../support/rejection.js';
import { eventually } from '../../support/until.js';
import { root } from '../../system/root.js';

const stopTimeoutMs = 500;
const flowUrl = new URL('../../actors/runtime/hosting/far-flow.js', import.meta.url).href;

/** A process that joins the control plane at CONTROL_PLANE, says the ordinal of its partition, and stays. */
const peer = `
  import { Executor, silentLogger } from 'millrace';
  await import(${JSON.stringify(flowUrl)});
  const executor = new Executor({ log: silentLogger, net: { socketFolder: process.env.SOCKETS, ucx: 'off' } });
  const runtime = await executor.start({ name: 'peer', controlPlane: process.env.CONTROL_PLANE });
  setInterval(() => {}, 60_000);
  console.log(runtime.ordinals[0]);`;

describe('a pipeline over a process of another program that hangs', function () {
  this.timeout(180_000);
  const folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  const executor = new Executor({ log: silentLogger, linkDeadMs: 2_000, net: { socketFolder: folder, ucx: 'off' } });
  let child: ChildProcess | undefined;

  after(async () => {
    if (child?.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await executor.stop();
    rmSync(folder, { recursive: true });
  });

  it('is stopped by a deadline, says what was given up, and the next one runs elsewhere', async () => {
    const runtime = await executor.start({ kernelLimits: { stopTimeoutMs } });
    child = spawn(process.execPath, ['--input-type=module', '--eval', peer], {
      cwd: root,
      env: { ...process.env, SOCKETS: folder, CONTROL_PLANE: runtime.controlPlane },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (child.stdout === null) throw new Error('it has no output');
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const partition = Number(line);
    const notes = join(folder, 'notes');
    const args = { notes, count: 1_000_000, sinkMs: 20 };
    const run = await runtime.run(flow, { args, partitions: { stage: [partition] } });
    run.done.catch(() => {});
    await eventually(() => existsSync(notes) && readFileSync(notes, 'utf8').includes('"sunk"'));
    child.kill('SIGSTOP');
    const startedAt = performance.now();
    const { givenUp } = await run.stop();
    expect(performance.now() - startedAt).to.be.within(stopTimeoutMs, stopTimeoutMs + 8_000);
    expect(givenUp).to.deep.include({ segment: 'stage', instance: 0, partition });
    expect(await rejection(run.done))
      .to.be.instanceOf(StoppedError)
      .with.property('message')
      .that.includes('given up');
    await eventually(() => runtime.health().links.some(({ isUnresponsive }) => isUnresponsive));
    const next = await runtime.run(flow, { args: { notes, count: 20 } });
    await next.done;
  });
});
