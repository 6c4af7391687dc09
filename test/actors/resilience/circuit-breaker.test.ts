import { expect } from 'chai';
import { AskAbortedError, CircuitOpenError, ConfigError, HandlerError, Refusal, RefusedError } from '#src/errors.js';
import { circuitBreaker, type CircuitChange, retrying } from '#src/actors/resilience/index.js';
import { rejection } from '../../support/rejection.js';
import { errandRunner, Errands } from '../runtime/errand-runner.js';
import { describeRuntime, until } from '../runtime/harness.js';

/** An actor that fails while `isBroken`, and answers a value of 7 with a refusal. */
function breakable() {
  const state = { isBroken: true, calls: 0 };
  const actor = errandRunner({
    run: (_state, { value }) => {
      state.calls++;
      if (value === 7) throw new Refusal('SEVEN', 'not seven');
      if (state.isBroken) throw new Error('broken');
      return { value };
    },
    rush: () => new Promise<never>(() => {}),
  });
  return { state, actor };
}

let names = 0;

describeRuntime({ title: 'circuitBreaker', shares: true }, (start) => {
  it('opens after so many failures, and closes when a probe succeeds', async () => {
    const { control, runtime } = await start();
    const name = `errands-${++names}`;
    const { state, actor } = breakable();
    await control.register(name, control.spawn(actor));
    const changes: CircuitChange[] = [];
    const ref = circuitBreaker(await runtime.lookup(Errands, name), {
      failures: 2,
      openMs: 3_000,
      onChange: (change) => changes.push(change),
    });
    for (let count = 0; count < 2; count++) expect(await rejection(ref.run({}))).to.be.instanceOf(HandlerError);
    const refused = await rejection(ref.run({}));
    expect(refused).to.be.instanceOf(CircuitOpenError);
    expect(refused).to.have.property('retryAfterMs').within(0, 3_000);
    expect(state.calls).to.equal(2);
    expect(runtime.metrics().asks.failed).to.have.property('CIRCUIT_OPEN').that.is.greaterThan(0);
    state.isBroken = false;
    const again = retrying(ref, { attempts: 20 });
    expect((await again.run({ value: 3 }, { timeoutMs: 30_000 })).value).to.equal(3);
    expect(changes.map(({ from, to }) => `${from} ${to}`)).to.deep.equal([
      'closed open',
      'open half-open',
      'half-open closed',
    ]);
    expect(changes[0]?.error).to.be.instanceOf(HandlerError);
  });

  it('goes on when what the user has given throws', async () => {
    const { runtime } = await start();
    const { state, actor } = breakable();
    const thrower = (): never => {
      throw new Error('of the user');
    };
    const ref = circuitBreaker(runtime.spawn(actor), {
      failures: 1,
      openMs: runtime.scheduler.isVirtual ? 50 : 1_000,
      onChange: thrower,
      failOn: thrower,
    });
    expect(await rejection(ref.run({}))).to.be.instanceOf(HandlerError);
    expect(await rejection(ref.run({}))).to.be.instanceOf(CircuitOpenError);
    state.isBroken = false;
    expect((await retrying(ref, { attempts: 30 }).run({ value: 3 })).value).to.equal(3);
    expect((await ref.run({ value: 4 })).value).to.equal(4);
  });

  it('opens again when a probe fails, and lets one through at a time', async () => {
    const { runtime } = await start();
    const { state, actor } = breakable();
    const changes: string[] = [];
    const ref = circuitBreaker(runtime.spawn(actor), {
      failures: 1,
      openMs: 50,
      onChange: ({ to }) => changes.push(to),
    });
    await rejection(ref.run({}));
    await rejection(retrying(ref, { attempts: 30 }).run({}, { timeoutMs: 30_000 }));
    expect(changes.slice(0, 3)).to.deep.equal(['open', 'half-open', 'open']);
    state.isBroken = false;
    await retrying(ref, { attempts: 30 }).run({});
    expect(changes.at(-1)).to.equal('closed');
  });

  it('counts a refusal as an answer, and an abort as nothing', async () => {
    const { runtime } = await start();
    const { state, actor } = breakable();
    const ref = circuitBreaker(runtime.spawn(actor), { failures: 2 });
    await rejection(ref.run({}));
    expect(await rejection(ref.run({ value: 7 }))).to.be.instanceOf(RefusedError);
    await rejection(ref.run({}));
    const over = new AbortController();
    const aborted = rejection(ref.rush({}, { signal: over.signal }));
    over.abort();
    expect(await aborted).to.be.instanceOf(AskAbortedError);
    expect(await rejection(ref.run({}))).to.be.instanceOf(HandlerError);
    expect(await rejection(ref.run({}))).to.be.instanceOf(CircuitOpenError);
    expect(state.calls).to.equal(4);
  });

  it('tells a caller further away when to ask again', async () => {
    const { control, runtime } = await start();
    const name = `front-${++names}`;
    const broken = circuitBreaker(control.spawn(breakable().actor), { failures: 1, openMs: 5_000 });
    await control.register(name, control.spawn(errandRunner({ run: (_state, errand) => broken.run(errand) })));
    const front = await runtime.lookup(Errands, name);
    await rejection(front.run({}));
    const error = await rejection(front.run({}));
    expect(error).to.include({ code: 'HANDLER', handlerCode: 'CIRCUIT_OPEN' });
    expect(error).to.have.property('retryAfterMs').within(1, 5_000);
  });

  it('guards a group, and a time-out counts', async () => {
    const { control, runtime } = await start();
    const name = `pool-${++names}`;
    const { actor } = breakable();
    await control.register(name, control.spawn(actor), { group: true });
    using pool = circuitBreaker(await runtime.group(Errands, name), { failures: 1 });
    await until(() => pool.push({}));
    await rejection(pool.rush({}, { timeoutMs: 20 }));
    expect(await rejection(pool.run({}))).to.be.instanceOf(CircuitOpenError);
  });

  it('refuses wrong options', async () => {
    const { runtime } = await start();
    const ref = runtime.spawn(errandRunner());
    const wrong = (...given: readonly unknown[]): (() => unknown) => {
      const call: (...all: never[]) => unknown = circuitBreaker;
      return () => call(...(given as never[]));
    };
    expect(wrong(undefined)).to.throw(ConfigError, 'reference');
    expect(wrong(ref, { failures: 0 })).to.throw(ConfigError, 'failures');
    expect(wrong(ref, { openMs: Number.NaN })).to.throw(ConfigError, 'openMs');
    expect(wrong(ref, { probe: 1 })).to.throw(ConfigError, 'Did you mean probes?');
  });
});
