import { expect } from 'chai';
import {
  AskAbortedError,
  AskTimeoutError,
  BackpressureError,
  ConfigError,
  HandlerError,
  ProtocolError,
  Refusal,
  RefusedError,
  StoppedError,
  UnreachableError,
} from '#src/errors.js';
import { later } from '#src/actors/kernel/index.js';
import type { Runtime } from '#src/actors/runtime/index.js';
import { type Retry, retrying } from '#src/actors/resilience/index.js';
import { rejection } from '../../support/rejection.js';
import { errandRunner, Errands } from '../runtime/errand-runner.js';
import { closeAfterEach, Cluster, describeRuntime, until } from '../runtime/harness.js';

let names = 0;

const QUICK = { minMs: 1, maxMs: 4 };

/** An actor whose handler throws what `failures` says, call after call, and then answers; and what it was asked, by value. */
function failing(failures: readonly (Error | undefined)[]) {
  const calls: number[] = [];
  const actor = errandRunner({
    run: (_state, { value }) => {
      const failure = failures[calls.length];
      calls.push(value);
      if (failure !== undefined) throw failure;
      return { value: value + 1 };
    },
  });
  return { actor, calls };
}

/** The actor runs where the control plane is, and is asked from the process under test. */
async function far(control: Runtime, runtime: Runtime, actor: ReturnType<typeof errandRunner>) {
  const name = `errands-${++names}`;
  await control.register(name, control.spawn(actor));
  return runtime.lookup(Errands, name);
}

describeRuntime({ title: 'retrying', shares: true }, (start) => {
  it('asks again after failures, and returns the first reply', async () => {
    const { control, runtime } = await start();
    const { actor, calls } = failing([new Error('one'), new Error('two')]);
    const retries: Retry[] = [];
    const before = runtime.metrics().asks.retries;
    const ref = retrying(await far(control, runtime, actor), {
      idempotent: ['run'],
      backOff: QUICK,
      onRetry: (retry) => retries.push(retry),
    });
    expect((await ref.run({ value: 4 })).value).to.equal(5);
    expect(calls).to.deep.equal([4, 4, 4]);
    expect(retries.map(({ method, attempt, error }) => [method, attempt, error.message])).to.deep.equal([
      ['test.Errands.Run', 1, 'one'],
      ['test.Errands.Run', 2, 'two'],
    ]);
    expect(runtime.metrics().asks.retries - before).to.equal(2);
  });

  it('does not ask again what may have been executed, unless it is idempotent', async () => {
    const { control, runtime } = await start();
    const { actor, calls } = failing([new Error('one')]);
    const ref = await far(control, runtime, actor);
    expect(await rejection(retrying(ref, { idempotent: ['rush'], backOff: QUICK }).run({}))).to.be.instanceOf(
      HandlerError,
    );
    expect(calls).to.have.length(1);
  });

  it('never repeats a refusal, a wrong request and a wrong option', async () => {
    const { control, runtime } = await start();
    const { actor, calls } = failing([new Refusal('CLOSED', 'not today')]);
    const ref = retrying(await far(control, runtime, actor), { idempotent: true, backOff: QUICK });
    expect(await rejection(ref.run({}))).to.be.instanceOf(RefusedError);
    expect(await rejection(ref.run(5 as never))).to.be.instanceOf(ProtocolError);
    expect(await rejection(ref.run({}, { timeoutMs: -1 }))).to.be.instanceOf(ConfigError);
    expect(await rejection(ref.run({}, { timeout: 1 } as never))).to.be.instanceOf(ConfigError);
    expect(calls).to.have.length(1);
  });

  it('gives up after so many attempts, with the last error', async () => {
    const { control, runtime } = await start();
    const { actor, calls } = failing(Array.from({ length: 9 }, (_, index) => new Error(`number ${index}`)));
    const ref = retrying(await far(control, runtime, actor), { attempts: 3, idempotent: true, backOff: QUICK });
    expect(await rejection(ref.run({}))).to.have.property('message', 'number 2');
    expect(calls).to.have.length(3);
  });

  it('asks retryOn, which may say no', async () => {
    const { control, runtime } = await start();
    const { actor, calls } = failing([new RangeError('odd'), new Error('even')]);
    const ref = retrying(await far(control, runtime, actor), {
      idempotent: true,
      backOff: QUICK,
      retryOn: (error) => error instanceof HandlerError && error.handlerName === 'RangeError',
    });
    expect(await rejection(ref.run({}))).to.have.property('message', 'even');
    expect(calls).to.have.length(2);
  });

  it('gives each attempt its time, and all of them no more than the ask has', async () => {
    const { control, runtime } = await start();
    let calls = 0;
    const actor = errandRunner({
      run: () => {
        calls++;
        return new Promise<never>(() => {});
      },
    });
    const ref = retrying(await far(control, runtime, actor), {
      attempts: 50,
      attemptTimeoutMs: 40,
      idempotent: true,
      backOff: QUICK,
      budget: { tokens: 100 },
    });
    const beganMs = runtime.scheduler.now();
    expect(await rejection(ref.run({}, { timeoutMs: runtime.scheduler.isVirtual ? 200 : 2_000 }))).to.be.instanceOf(
      AskTimeoutError,
    );
    const tookMs = runtime.scheduler.now() - beganMs;
    expect(calls).to.be.greaterThan(0);
    if (runtime.scheduler.isVirtual) expect(tookMs).to.be.within(150, 200);
  });

  it('does not wait for an attempt that would begin at the deadline', async () => {
    const { control, runtime } = await start();
    const { actor } = failing([new BackpressureError('full', { retryAfterMs: 60_000 })]);
    const ref = retrying(await far(control, runtime, actor), { idempotent: true });
    const beganMs = runtime.scheduler.now();
    const error = await rejection(ref.run({}));
    expect(error).to.be.instanceOf(HandlerError).with.property('retryAfterMs', 60_000);
    if (runtime.scheduler.isVirtual) expect(runtime.scheduler.now() - beganMs).to.be.lessThan(1_000);
  });

  it('waits for as long as the actor says', async () => {
    const { control, runtime } = await start();
    const { actor } = failing([new BackpressureError('full', { retryAfterMs: 120 })]);
    const delays: number[] = [];
    const ref = retrying(await far(control, runtime, actor), {
      idempotent: true,
      backOff: QUICK,
      onRetry: ({ delayMs }) => delays.push(delayMs),
    });
    await ref.run({});
    expect(delays).to.have.length(1);
    expect(delays[0]).to.be.within(120, 124);
  });

  it('ends the pause when its signal is aborted', async () => {
    const { control, runtime } = await start();
    const { actor, calls } = failing([new BackpressureError('full', { retryAfterMs: 4_000 })]);
    const over = new AbortController();
    const ref = retrying(await far(control, runtime, actor), { idempotent: true, onRetry: () => over.abort('enough') });
    const error = await rejection(ref.run({}, { signal: over.signal }));
    expect(error).to.be.instanceOf(AskAbortedError).with.property('cause', 'enough');
    expect(calls).to.have.length(1);
  });

  it('ends the pause when its runtime stops', async () => {
    const { control, runtime } = await start({});
    const { actor, calls } = failing([new BackpressureError('full', { retryAfterMs: 4_000 })]);
    const ref = retrying(await far(control, runtime, actor), {
      idempotent: true,
      onRetry: () => void runtime.stop(),
    });
    await rejection(ref.run({}));
    expect(calls).to.have.length(1);
  });

  it('takes no more repeats than its budget has, which successes fill again', async () => {
    const { control, runtime } = await start();
    const { actor, calls } = failing([...Array.from({ length: 3 }, () => new Error('no')), undefined, undefined]);
    const ref = retrying(await far(control, runtime, actor), {
      attempts: 10,
      idempotent: true,
      backOff: QUICK,
      budget: { tokens: 2, perSuccess: 0.5 },
    });
    await rejection(ref.run({}));
    expect(calls).to.have.length(3);
    await ref.run({});
    await ref.run({});
    expect(calls).to.have.length(5);
  });

  it('keeps the deadline, the meta and the chain of the message that its caller handles', async () => {
    const { control, runtime } = await start();
    const metas: unknown[] = [];
    let isFirst = true;
    const inner = errandRunner({
      run: (_state, _errand, { meta }) => {
        metas.push(meta);
        if (!isFirst) return {};
        isFirst = false;
        throw new Error('once');
      },
      rush: () => {
        throw new BackpressureError('full', { retryAfterMs: 60_000 });
      },
    });
    const asked = retrying(await far(control, runtime, inner), { idempotent: true, backOff: QUICK });
    const outer = runtime.spawn(
      errandRunner({ run: () => asked.run({}), rush: (_state, errand) => asked.rush(errand) }),
    );
    await outer.run({}, { meta: { user: 'ada' } });
    expect(metas).to.deep.equal([{ user: 'ada' }, { user: 'ada' }]);
    expect(await rejection(outer.rush({}, { timeoutMs: 20_000 }))).to.be.instanceOf(HandlerError);
  });

  it('is the reference of its actor for everything else', async () => {
    const { runtime } = await start();
    const told: number[] = [];
    const plain = runtime.spawn(errandRunner({ push: (_state, { value }) => void told.push(value) }), {
      name: `plain-${++names}`,
    });
    const ref = retrying(plain);
    expect(String(ref)).to.equal(String(plain));
    expect([ref.name, ref.path.toString(), ref.toRef()]).to.deep.equal([
      plain.name,
      plain.path.toString(),
      plain.toRef(),
    ]);
    ref.push({ value: 3 });
    const read: number[] = [];
    for await (const { value } of ref.list({ value: 2 })) read.push(value);
    expect([told, read]).to.deep.equal([[3], [0, 1]]);
    const reasons: string[] = [];
    const watcher = runtime.spawn(
      errandRunner({
        state: (ctx) => ctx.watch(ref),
        on: { terminated: (_state, { reason }) => void reasons.push(reason) },
      }),
    );
    await watcher.run({});
    await runtime.stopActor(ref);
    await until(() => reasons.length === 1);
    expect(await rejection(ref.run({}))).to.be.instanceOf(StoppedError);
  });

  it('repeats the ask of a group at another member, and waits for a group that is empty', async () => {
    const { control, runtime } = await start();
    const name = `pool-${++names}`;
    const pool = retrying(await runtime.group(Errands, name), { attempts: 20, backOff: { minMs: 20, maxMs: 50 } });
    const asked = pool.run({ value: 7 });
    await control.register(name, control.spawn(errandRunner()), { group: true });
    expect((await asked).value).to.equal(7);
    const { actor, calls } = failing([new Error('one'), new Error('two')]);
    await control.register(name, control.spawn(actor), { group: true });
    const all = retrying(await runtime.group(Errands, name), { idempotent: true, backOff: QUICK });
    for (let value = 0; value < 4; value++)
      expect(await all.run({ value }))
        .to.have.property('value')
        .within(value, value + 1);
    expect(calls.length).to.be.greaterThan(0);
    all.close();
    expect(await rejection(all.run({}))).to.be.instanceOf(StoppedError);
    pool.close();
  });

  it('refuses what is no reference, and wrong options', async () => {
    const { runtime } = await start();
    const ref = runtime.spawn(errandRunner());
    const wrong = (...given: readonly unknown[]): (() => unknown) => {
      const call: (...all: never[]) => unknown = retrying;
      return () => call(...(given as never[]));
    };
    expect(wrong({})).to.throw(ConfigError, 'reference');
    expect(wrong(ref, { attempts: 0 })).to.throw(ConfigError, 'attempts');
    expect(wrong(ref, { atempts: 2 })).to.throw(ConfigError, 'Did you mean attempts?');
    expect(wrong(ref, { idempotent: ['push'] })).to.throw(ConfigError, 'run, rush');
    expect(wrong(ref, { backOff: { minMs: 5, maxMs: 1 } })).to.throw(ConfigError, 'minMs');
    expect(wrong(ref, { backOff: { min: 5 } })).to.throw(ConfigError, 'minMs');
    expect(wrong(ref, { budget: { tokens: 0 } })).to.throw(ConfigError, 'tokens');
    expect(wrong(ref, { attemptTimeoutMs: 0 })).to.throw(ConfigError, 'attemptTimeoutMs');
  });
});

describe('retrying, when a link is lost (on virtual time only: it cuts the network)', () => {
  closeAfterEach();

  it('repeats an idempotent ask over the next link, and no other', async () => {
    const cluster = new Cluster();
    const here = await cluster.start();
    const far = await cluster.start();
    const calls = { run: 0, rush: 0 };
    const never = () => new Promise<never>(() => {});
    const actor = errandRunner({
      supervision: 'resume',
      run: () => {
        calls.run++;
        return later(never());
      },
      rush: () => {
        calls.rush++;
        return calls.rush > 1 ? { value: 1 } : later(never());
      },
    });
    await far.register('far', far.spawn(actor));
    const ref = retrying(await here.lookup(Errands, 'far'), { idempotent: ['rush'], attempts: 10 });
    const lost = rejection(ref.run({}, { timeoutMs: 60_000 }));
    const repeated = ref.rush({}, { timeoutMs: 60_000 });
    await until(() => calls.run + calls.rush === 2);
    const heal = cluster.executor.network.partition(['node-0/process-0'], ['node-1/process-1']);
    expect(await lost).to.be.instanceOf(UnreachableError);
    heal();
    expect((await repeated).value).to.equal(1);
    expect(calls).to.deep.equal({ run: 1, rush: 2 });
  });
});
