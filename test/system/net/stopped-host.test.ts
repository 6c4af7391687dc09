import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Runtime, type StartOptions } from '#src/actors/runtime/index.js';
import { AskTimeoutError, StoppedError } from '#src/errors.js';
import { silentLogger } from '#src/logging/index.js';
import { adder } from '../../actors/runtime/placing/components.js';
import { rejection } from '../../support/rejection.js';
import { eventually } from '../../support/until.js';

const PROGRAM = fileURLToPath(new URL('host-of-placed.js', import.meta.url));
const ON = { label: 'host' };
const TIMEOUT_MS = 500;
/** Less than the 5 s that dialing takes, and the 10 s for which a request is withdrawn. */
const IN_TIME_MS = 4_500;

describe('placing an actor in a process that is stopped, over sockets', function () {
  this.timeout(180_000);
  const children: ChildProcess[] = [];
  let runtime: Runtime;

  const start = async (options: StartOptions = {}): Promise<void> => {
    runtime = await Runtime.start({ listen: 'unix:', keyless: 'loopback', ucx: 'off', log: silentLogger, ...options });
  };

  const host = async (nodeName: string, label: string, ...controlPlane: string[]) => {
    const env = { ...process.env, MILLRACE_KEYLESS: 'loopback', MILLRACE_UCX: 'off' };
    const child = fork(PROGRAM, [nodeName, label, ...controlPlane], { env });
    children.push(child);
    const [address] = (await once(child, 'message')) as [string];
    return { child, address };
  };

  afterEach(async () => {
    await runtime.stop();
    for (const child of children.splice(0)) {
      const exit = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
      child.kill('SIGKILL');
      await exit;
    }
    expect(Object.entries(runtime.leftovers).filter(([, count]) => count !== 0)).to.deep.equal([]);
  });

  for (const link of ['open', 'not open yet']) {
    it(`rejects at its deadline, and leaves no actor there, where the link is ${link}`, async () => {
      await start();
      const { child } = await host('far', ON.label, runtime.controlPlane);
      const before = await actorsOf(child);
      if (link === 'open') await runtime.stopActor(await runtime.place(adder, { on: ON }));
      child.kill('SIGSTOP');
      const { error, tookMs } = await timed(() =>
        runtime.place(adder, { on: ON, name: 'late', timeoutMs: TIMEOUT_MS }),
      );
      expect(tookMs).to.be.within(TIMEOUT_MS - 1, IN_TIME_MS);
      expect(error).to.be.instanceOf(AskTimeoutError);
      expect(String(error)).to.match(
        /"adder" was not placed within 500 ms: partition \d+ of node "far" .* The request is withdrawn/,
      );
      child.kill('SIGCONT');
      // Its name is free again, and nothing else of it is left.
      await runtime.stopActor(await runtime.place(adder, { on: ON, name: 'late' }));
      await eventually(async () => (await actorsOf(child)) === before);
    });
  }

  it('rejects at its deadline where only one instance is late, and leaves no other', async () => {
    await start();
    const { child: good } = await host('good', ON.label, runtime.controlPlane);
    const { child: late } = await host('late', ON.label, runtime.controlPlane);
    const first = await runtime.place(adder, { on: ON, instances: 2 });
    for (const ref of first) await runtime.stopActor(ref);
    const before = [await actorsOf(good), await actorsOf(late)];
    late.kill('SIGSTOP');
    const { error, tookMs } = await timed(() => runtime.place(adder, { on: ON, instances: 2, timeoutMs: TIMEOUT_MS }));
    expect(tookMs).to.be.within(TIMEOUT_MS - 1, IN_TIME_MS);
    expect(error).to.be.instanceOf(AskTimeoutError).with.property('message').that.contains('node "late"');
    late.kill('SIGCONT');
    await eventually(async () => {
      const counts = [await actorsOf(good), await actorsOf(late)];
      return counts.every((count, index) => count === before[index]);
    });
  });

  it('rejects at its deadline where it is the control plane that is stopped', async () => {
    const { child, address } = await host('control', 'none');
    await start({ controlPlane: address });
    child.kill('SIGSTOP');
    const { error, tookMs } = await timed(() => runtime.place(adder, { on: ON, timeoutMs: TIMEOUT_MS }));
    expect(tookMs).to.be.within(TIMEOUT_MS - 1, IN_TIME_MS);
    expect(error).to.be.instanceOf(AskTimeoutError);
    expect(String(error)).to.match(/"adder" was not placed within 500 ms: the control plane .* Nothing was started/);
    child.kill('SIGCONT');
  });

  it('is given up when its runtime stops, which takes no longer than stopping may', async () => {
    const { address } = await host('control', 'none');
    const { child } = await host('far', ON.label, address);
    await start({ controlPlane: address });
    await runtime.place(adder, { on: ON });
    child.kill('SIGSTOP');
    const placing = rejection(runtime.place(adder, { on: ON }));
    // The request is sent by the time that a later one is given up.
    await rejection(runtime.place(adder, { on: ON, timeoutMs: TIMEOUT_MS }));
    const { tookMs } = await timed(() => runtime.stop());
    // What is placed is withdrawn for 5 s, and links are waited for 2 s.
    expect(tookMs).to.be.below(20_000);
    expect(await placing).to.be.instanceOf(StoppedError);
  });
});

/** How many actors run there, those of the runtime included. */
async function actorsOf(child: ChildProcess): Promise<number> {
  const answer = once(child, 'message');
  child.send('actors');
  const [count] = (await answer) as [number];
  return count;
}

async function timed(work: () => Promise<unknown>): Promise<{ readonly error: unknown; readonly tookMs: number }> {
  const fromMs = performance.now();
  const error = await work().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { error, tookMs: performance.now() - fromMs };
}
