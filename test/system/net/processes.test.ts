import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { ActorRef } from '#src/actors/kernel/index.js';
import { Runtime } from '#src/actors/runtime/index.js';
import { AskTimeoutError, UnreachableError } from '#src/errors.js';
import { silentLogger } from '#src/logging/index.js';
import { Errands } from '../../actors/transport/errands.js';
import { rejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';

const PROGRAM = fileURLToPath(new URL('errands-process.js', import.meta.url));

describe('two processes of the operating system', function () {
  this.timeout(120_000);
  let child: ChildProcess;
  let runtime: Runtime;
  let far: ActorRef<typeof Errands>;

  const start = async (listen: string): Promise<string> => {
    child = fork(PROGRAM, [listen], { env: { ...process.env, MILLRACE_KEYLESS: 'loopback', MILLRACE_UCX: 'off' } });
    const [controlPlane] = (await once(child, 'message')) as [string];
    runtime = await Runtime.start({
      controlPlane,
      keyless: 'loopback',
      ucx: 'off',
      log: silentLogger,
      nodeName: 'near',
    });
    far = await runtime.lookup(Errands, 'errands');
    return controlPlane;
  };

  afterEach(async () => {
    await runtime.stop();
    const exit = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    child.kill('SIGKILL');
    await exit;
    expect(Object.entries(runtime.leftovers).filter(([, count]) => count !== 0)).to.deep.equal([]);
  });

  for (const listen of ['unix:', 'tcp://127.0.0.1:0']) {
    it(`tell and ask one another over ${listen}`, async () => {
      await start(listen);
      for (let count = 0; count < 1_000; count += 1) {
        if (!far.push({ value: count })) await far.ready();
      }
      const load = new Uint8Array(300_000).fill(5);
      const answers = await Promise.all([1, 2, 3].map((value) => far.run({ value, load })));
      expect(answers.map(({ value }) => value)).to.deep.equal([1_001, 1_002, 1_003]);
      expect(answers.every((answer) => Buffer.compare(answer.load, load) === 0)).to.equal(true);
    });
  }

  for (const listen of ['unix:', 'tcp://127.0.0.1:0']) {
    it(`do not execute what is past its deadline, although one was stopped with it in its buffers, over ${listen}`, async () => {
      await start(listen);
      await far.run({});
      const { value: before } = await far.rush({});
      child.kill('SIGSTOP');
      const late = [50, 100, 150, 200].map((timeoutMs) => rejection(far.run({}, { timeoutMs })));
      const good = far.run({}, { timeoutMs: 15_000 });
      for (const ask of late) expect(await ask).to.be.instanceOf(AskTimeoutError);
      child.kill('SIGCONT');
      await good;
      expect((await far.rush({})).value).to.equal(before + 1);
    });
  }

  it('learn at once that the other was killed', async () => {
    await start('unix:');
    const pending = rejection(far.run({ value: 1 }, { timeoutMs: 15_000 }));
    child.kill('SIGSTOP');
    const stalled = rejection(far.run({ value: 1 }, { timeoutMs: 15_000 }));
    child.kill('SIGKILL');
    expect(await stalled).to.be.instanceOf(UnreachableError);
    await pending.catch(() => {});
  });

  it('get back what the other had not reported as taken when it was killed', async () => {
    await start('unix:');
    const lost: number[] = [];
    runtime.deadLetters.subscribe(({ method, message, reason }) => {
      if (method !== 'test.Errands.Push') return;
      expect(reason).to.equal('unreachable');
      lost.push((message as { value: number }).value);
    });
    for (let value = 0; value < 10; value += 1) far.push({ value });
    expect((await far.run({ value: 0 })).value).to.equal(10);
    child.kill('SIGSTOP');
    for (let value = 10; value < 15; value += 1) far.push({ value });
    child.kill('SIGKILL');
    await until('the dead letters', () => lost.length > 0);
    // It may have taken some of the first ten so shortly before that nobody knows.
    expect(lost)
      .to.deep.equal([...Array(15).keys()].slice(-lost.length))
      .and.to.have.length.within(5, 15);
  });

  it('tell in vain when the other has ended for good, and know it', async () => {
    await start('unix:');
    await far.run({});
    child.kill('SIGKILL');
    expect(await rejection(far.run({}))).to.be.instanceOf(UnreachableError);
    // The other has served the control plane, too: for as long as opening a link may take, nobody knows where it is.
    expect(await rejection(far.run({}, { timeoutMs: 30_000 }))).to.be.instanceOf(UnreachableError);
    const before = runtime.deadLetters.count;
    for (let count = 1; count <= 100; count += 1) {
      expect(far.push({})).to.equal(false);
      expect(runtime.deadLetters.count).to.equal(before + count);
    }
    expect(await rejection(far.ready())).to.be.instanceOf(UnreachableError);
  });

  it('leave no socket file when they stop', async () => {
    const controlPlane = await start('unix:');
    const path = /unix:(\S+)#/.exec(controlPlane)?.[1] ?? '';
    expect(existsSync(path)).to.equal(true);
    child.send('stop');
    await once(child, 'exit');
    await until('the folder to be gone', () => !existsSync(path));
  });
});
