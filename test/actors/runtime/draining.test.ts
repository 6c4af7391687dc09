import { expect } from 'chai';
import { AskAbortedError, ConfigError, StoppedError } from '#src/errors.js';
import { gate } from '../../support/deferred.js';
import { rejection } from '../../support/rejection.js';
import { errandRunner, Errands } from './errand-runner.js';
import { describeRuntime, startFlow, TWO_PARTITIONS, until } from './harness.js';
import flow from './pipelines/flow.js';

const NOTHING = {
  messages: 0,
  handlers: 0,
  asks: 0,
  streams: 0,
  pipelines: 0,
  segments: 0,
  placing: 0,
  unsentBytes: 0,
};

describeRuntime({ title: 'a runtime that drains', linked: true }, (start) => {
  it('handles every message that it has, and answers every ask, before it stops', async () => {
    const { runtime, cluster } = await start();
    const { scheduler } = cluster.executor;
    let pushed = 0;
    const ref = runtime.spawn(
      errandRunner({
        push: async () => {
          await new Promise<void>((resolve) => scheduler.setTimer(10, resolve));
          pushed++;
        },
      }),
    );
    for (let count = 0; count < 50; count++) ref.push({});
    const answered = ref.run({ value: 7 }, { timeoutMs: 20_000 });
    const report = await runtime.stop({ drainTimeoutMs: 20_000 });
    expect(report).to.deep.include({ isDrained: true, cutOff: NOTHING });
    cluster.expectPassed(report.tookMs, 500, 1_000);
    expect(pushed).to.equal(50);
    expect(await answered).to.include({ value: 7 });
    expect(runtime.deadLetters.count).to.equal(0);
  });

  it('lets actors go on among themselves, behind an await too', async () => {
    const { runtime, cluster } = await start();
    const { scheduler } = cluster.executor;
    const reached: number[] = [];
    const last = runtime.spawn(errandRunner({ push: (_state, { value }) => void reached.push(value) }));
    const first = runtime.spawn(
      errandRunner({
        run: async (_state, { value }, ctx) => {
          await new Promise<void>((resolve) => scheduler.setTimer(20, resolve));
          const child = ctx.spawn(errandRunner());
          const reply = await child.run({ value });
          last.push({ value: reply.value });
          return { value: reply.value + 1 };
        },
      }),
    );
    const answered = first.run({ value: 1 }, { timeoutMs: 20_000 });
    await cluster.pass(5);
    const stopped = runtime.stop({ drainTimeoutMs: 20_000 });
    expect(await answered).to.include({ value: 2 });
    expect(await stopped).to.include({ isDrained: true });
    expect(reached).to.deep.equal([1]);
  });

  it('takes nothing new from outside', async () => {
    const { runtime, cluster } = await start(TWO_PARTITIONS);
    const ref = runtime.spawn(errandRunner());
    const { scheduler } = cluster.executor;
    const beganAtMs = scheduler.now();
    // The reader of this stream keeps the drain from ending.
    const stream = ref.list({ value: 2 }, { windowItems: 1 });
    await stream.next();
    const stopped = runtime.stop({ drainTimeoutMs: 20_000 });
    // Hosted partitions are asked first whether pipelines have to end before.
    await until(() => !takes(() => runtime.spawn(errandRunner())));
    await cluster.pass(50);
    expect(runtime.health()).to.include({ phase: 'draining', isReady: false, isAlive: true });
    expect(runtime.health().problems).to.deep.equal(['The runtime is draining.']);
    expect(await rejection(ref.run({}))).to.be.instanceOf(StoppedError);
    expect(await rejection(ref.list({ value: 1 }).next())).to.be.instanceOf(StoppedError);
    expect(ref.push({})).to.equal(false);
    expect(runtime.metrics().deadLetters).to.deep.equal({ stopped: 1 });
    expect(() => runtime.spawn(errandRunner())).to.throw(StoppedError, 'draining');
    expect(await rejection(startFlow(runtime, flow, { count: 1 }))).to.be.instanceOf(StoppedError);
    expect(await stream.next()).to.deep.include({ done: false });
    expect(await stream.next()).to.include({ done: true });
    expect(await stopped).to.include({ isDrained: true });
    cluster.expectPassed(scheduler.now() - beganAtMs, 50, 500);
  });

  it('cuts off at the deadline what has not ended, with typed errors and dead letters, and says what it was', async () => {
    const { runtime, cluster } = await start({ kernelLimits: { stopTimeoutMs: 60_000 } });
    const { scheduler } = cluster.executor;
    const ref = runtime.spawn(errandRunner({ push: () => new Promise(() => {}) }), { name: 'stuck' });
    ref.push({});
    await cluster.pass(1);
    for (let count = 0; count < 3; count++) ref.push({});
    const asked = rejection(ref.run({}, { timeoutMs: 60_000 }));
    // It is read and served here, and counts once.
    await runtime.spawn(errandRunner()).list({ value: 9 }, { windowItems: 1 }).next();
    const lost: string[] = [];
    runtime.deadLetters.subscribe(({ method, reason }) => lost.push(`${method} ${reason}`));
    const beganAtMs = scheduler.now();
    const report = await runtime.stop({ drainTimeoutMs: 300 });
    expect(report.isDrained).to.equal(false);
    expect(report.cutOff).to.deep.equal({ ...NOTHING, messages: 4, handlers: 1, asks: 1, streams: 1 });
    cluster.expectPassed(scheduler.now() - beganAtMs, 300, 500);
    expect(await asked).to.be.instanceOf(StoppedError);
    expect(lost).to.deep.equal(Array.from({ length: 3 }, () => 'test.Errands.Push stopped'));
  });

  it('waits for its pipelines', async () => {
    const { runtime, cluster } = await start(TWO_PARTITIONS);
    const count = cluster.many(500, 100);
    const { run, board } = await startFlow(runtime, flow, { count });
    await until(() => board.sunk.length > 0);
    const report = await runtime.stop({ drainTimeoutMs: 60_000 });
    await run.done;
    expect(board.sunk).to.have.length(count);
    expect(report).to.deep.include({ isDrained: true, cutOff: NOTHING });
  });

  it('stops pipelines that have not ended by the deadline', async () => {
    const { runtime } = await start({ ...TWO_PARTITIONS, kernelLimits: { stopTimeoutMs: 300 } });
    const never = gate();
    const { run, board } = await startFlow(
      runtime,
      flow,
      { count: 2_000 },
      {
        board: (on) => {
          on.sink = () => never.passed;
        },
      },
    );
    const failed = rejection(run.done);
    await until(() => board.sunk.length > 0);
    const report = await runtime.stop({ drainTimeoutMs: 200 });
    expect(report.cutOff.pipelines).to.equal(1);
    expect(await failed).to.be.instanceOf(StoppedError);
    never.open();
  });

  it('calls `before` first, while everything still takes work', async () => {
    const { runtime, cluster } = await start();
    const ref = runtime.spawn(errandRunner());
    const seen: unknown[] = [];
    const report = await runtime.stop({
      before: async () => {
        seen.push(runtime.health().phase, runtime.draining.aborted);
        await cluster.pass(100);
        seen.push((await ref.run({ value: 5 })).value);
        runtime.spawn(errandRunner()).push({});
      },
    });
    expect(seen).to.deep.equal(['draining', true, 5]);
    expect(report).to.deep.include({ isDrained: true });
    expect(runtime.deadLetters.count).to.equal(0);
  });

  it('goes on when `before` fails, and when it does not end', async () => {
    const { runtime, cluster } = await start();
    const other = await cluster.start();
    expect(
      await runtime.stop({
        before: () => {
          throw new Error('the door is stuck');
        },
      }),
    ).to.include({ isDrained: true });
    expect(cluster.log.some(({ level, message }) => level === 'error' && message.includes('before'))).to.equal(true);
    const report = await other.stop({ before: () => new Promise(() => {}), drainTimeoutMs: 100 });
    cluster.expectPassed(report.tookMs, 100, 200);
    expect(report).to.deep.include({ isDrained: false, cutOff: NOTHING });
  });

  it('does not wait for itself when `before` stops it, too', async () => {
    const { runtime, cluster } = await start();
    const ref = runtime.spawn(errandRunner());
    let within: unknown;
    const report = await runtime.stop({
      before: async () => {
        within = await runtime.stop();
        await cluster.pass(50);
        expect(await ref.run({ value: 5 })).to.include({ value: 5 });
      },
    });
    expect(within).to.include({ isDrained: false });
    expect(report).to.include({ isDrained: true });
    cluster.expectPassed(report.tookMs, 50, 1_000);
  });

  it('does not wait for what waits for it, such as a server that stops it when it is closed', async () => {
    const { runtime, cluster } = await start();
    const held = gate();
    const ref = runtime.spawn(errandRunner({ run: async (_state, { value }) => held.passed.then(() => ({ value })) }));
    const answered = ref.run({ value: 3 }, { timeoutMs: 20_000 });
    // The server is closed from elsewhere; its last hook is `runtime.stop()`.
    const closed = cluster.pass(20).then(() => runtime.stop());
    const stopped = runtime.stop({ before: () => closed });
    await cluster.pass(500);
    expect(runtime.health().phase).to.equal('draining');
    held.open();
    expect(await answered).to.include({ value: 3 });
    const report = await stopped;
    expect(await closed).to.equal(report);
    expect(report).to.include({ isDrained: true });
    cluster.expectPassed(report.tookMs, 500, 2_000);
  });

  it('ends what would not end by itself by its signal', async () => {
    const { runtime } = await start();
    const ref = runtime.spawn(
      errandRunner({
        list: async function* () {
          for (let value = 0; ; value++) yield { value };
        },
      }),
    );
    const stream = ref.list({}, { signal: runtime.draining });
    await stream.next();
    const ended = rejection(
      (async () => {
        for await (const _element of stream);
      })(),
    );
    const report = await runtime.stop({ drainTimeoutMs: 20_000 });
    expect(await ended).to.be.instanceOf(AskAbortedError);
    expect(report).to.include({ isDrained: true });
  });

  it('is cut short by its own signal', async () => {
    const { runtime, cluster } = await start();
    runtime.spawn(errandRunner({ push: () => new Promise(() => {}) })).push({});
    const cut = new AbortController();
    const stopped = runtime.stop({ drainTimeoutMs: 60_000, signal: cut.signal });
    await cluster.pass(100);
    cut.abort();
    cluster.expectPassed((await stopped).tookMs, 100, 200);
  });

  it('is joined by later calls, whatever they ask for', async () => {
    const { runtime, cluster } = await start();
    const held = gate();
    const ref = runtime.spawn(errandRunner({ run: async (_state, { value }) => held.passed.then(() => ({ value })) }));
    const answered = ref.run({ value: 3 });
    await cluster.pass(1);
    const first = runtime.stop({ drainTimeoutMs: 20_000 });
    const second = runtime.stop();
    await cluster.pass(100);
    held.open();
    expect(await answered).to.include({ value: 3 });
    expect(await second).to.equal(await first);
    expect(await runtime.stop()).to.equal(await first);
  });

  it('ends at once when its process crashes', async () => {
    const { runtime, cluster } = await start({ kernelLimits: { stopTimeoutMs: 300 } });
    runtime.spawn(errandRunner({ push: () => new Promise(() => {}) })).push({});
    const stopped = runtime.stop({ drainTimeoutMs: 600_000 });
    await cluster.pass(100);
    cluster.executor.crash(runtime.node);
    await stopped;
    expect(runtime.health().phase).to.equal('stopped');
  });

  it('is found by name no longer, and still answers those who have found it', async () => {
    const { runtime, cluster } = await start();
    const other = await cluster.start();
    const held = gate();
    const ref = runtime.spawn(errandRunner({ rush: async () => held.passed.then(() => ({})) }));
    await runtime.register('errands', ref);
    const found = await other.lookup(Errands, 'errands');
    const rushed = found.rush({});
    await cluster.pass(10);
    const stopped = runtime.stop({ drainTimeoutMs: 60_000 });
    await cluster.pass(cluster.many(10, 100));
    expect(await rejection(other.lookup(Errands, 'errands', { timeoutMs: 100 }))).to.include({ code: 'ASK_TIMEOUT' });
    const answered = found.run({ value: 9 });
    await cluster.pass(cluster.many(10, 100));
    held.open();
    await rushed;
    expect(await answered).to.include({ value: 9 });
    expect(await stopped).to.include({ isDrained: true });
  });

  it('refuses a deadline that is none', async () => {
    const { runtime } = await start();
    for (const drainTimeoutMs of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(await rejection(runtime.stop({ drainTimeoutMs }))).to.be.instanceOf(ConfigError);
    }
    expect(runtime.health().phase).to.equal('running');
  });
});

function takes(call: () => unknown): boolean {
  try {
    call();
    return true;
  } catch {
    return false;
  }
}
