import { expect } from 'chai';
import { ConfigError, StoppedError } from '#src/errors.js';
import { deferred } from '../../support/deferred.js';
import { rejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { closeSystems, testSystem, worker, type WorkerRef } from './harness.js';

describe('stopping', () => {
  afterEach(closeSystems);

  it('ends children before their parent, and runs on.stopping of each', async () => {
    const { system } = testSystem();
    const events: string[] = [];
    const node = (depth: number): ReturnType<typeof worker<void>> =>
      worker<void>({
        state: (ctx) => {
          if (depth > 0) for (const name of ['l', 'r']) ctx.spawn(node(depth - 1), { name });
        },
        on: {
          stopping: async (_state, ctx) => {
            await Promise.resolve();
            events.push(ctx.path);
          },
        },
      });
    const root = system.spawn(node(2), { name: 'n' });
    await until(() => system.statistics.actors === 7);
    await system.stop(root);
    expect(events).to.have.length(7);
    for (const [index, path] of events.entries()) {
      for (const later of events.slice(index))
        expect(later.startsWith(`${path}/`), `${path} before ${later}`).to.equal(false);
    }
    expect(system.statistics.actors).to.equal(0);
  });

  it('is idempotent, and all who wait share the outcome', async () => {
    const { system } = testSystem();
    let runs = 0;
    const ref = system.spawn(worker({ on: { stopping: () => void runs++ }, state: () => 0 }));
    await ref.work({});
    await Promise.all([system.stop(ref), system.stop(ref)]);
    await system.stop(ref);
    expect(runs).to.equal(1);
  });

  it('fails asks in the mailbox at once, and lets the handler that runs finish', async () => {
    const { system, scheduler } = testSystem();
    const gate = deferred();
    let isRunning = false;
    const ref = system.spawn(
      worker({
        work: async (_state, message) => {
          isRunning = true;
          await gate.promise;
          return message;
        },
      }),
    );
    const handled = ref.work({ value: 1 });
    const waiting = rejection(ref.work({ value: 2 }));
    await until(() => isRunning);
    const stopped = system.stop(ref);
    expect(await waiting).to.be.instanceOf(StoppedError);
    gate.resolve();
    expect(await handled).to.deep.equal({ value: 1 });
    await stopped;
    expect(scheduler.now()).to.equal(0);
  });

  it('gives a handler up after `stopTimeoutMs`, says so, and still runs on.stopping', async () => {
    const { system, scheduler, log } = testSystem({ stopTimeoutMs: 300 });
    const gate = deferred();
    let hasStopped = false;
    let isRunning = false;
    const ref = system.spawn(
      worker({
        work: async (_state, message) => {
          isRunning = true;
          await gate.promise;
          return message;
        },
        on: { stopping: () => void (hasStopped = true) },
      }),
    );
    const handled = rejection(ref.work({}, { timeoutMs: 60_000 }));
    await until(() => isRunning);
    await system.stop(ref);
    expect(scheduler.now()).to.equal(300);
    expect(hasStopped).to.equal(true);
    expect(await handled).to.be.instanceOf(StoppedError);
    expect(log.filter(({ message }) => message.includes('did not settle within 300 ms'))).to.have.length(1);
    gate.reject(new Error('too late'));
    await until(() => log.some(({ message }) => message.includes('after it was abandoned')));
  });

  it('gives up a handler that has stopped its own actor and never settles', async () => {
    const { system, scheduler } = testSystem({ stopTimeoutMs: 300 });
    const ref = system.spawn(
      worker({
        push: (_state, _message, ctx) => {
          ctx.stop();
          return new Promise(() => {});
        },
      }),
    );
    ref.push({});
    await until(() => system.statistics.actors === 0);
    expect(scheduler.now()).to.equal(300);
  });

  it('gives on.stopping up after `stopTimeoutMs`', async () => {
    const { system, scheduler } = testSystem({ stopTimeoutMs: 300 });
    const ref = system.spawn(worker({ state: () => 0, on: { stopping: () => new Promise(() => {}) } }));
    await ref.work({});
    await system.stop(ref);
    expect(scheduler.now()).to.equal(300);
  });

  it('of oneself happens after the current message', async () => {
    const { system } = testSystem();
    const ref = system.spawn(
      worker({
        work: (_state, { value }, ctx) => {
          ctx.stop();
          expect(() => ctx.spawn(worker())).to.throw(StoppedError);
          expect(() => ctx.after(1, () => {})).to.throw(StoppedError);
          return { value };
        },
      }),
    );
    const [first, second] = [ref.work({ value: 1 }), rejection(ref.work({ value: 2 }))];
    expect(await first).to.deep.equal({ value: 1 });
    expect(await second).to.be.instanceOf(StoppedError);
    await until(() => system.statistics.actors === 0);
  });

  it('frees the name', async () => {
    const { system } = testSystem();
    await system.stop(system.spawn(worker(), { name: 'a' }));
    system.spawn(worker(), { name: 'a' });
  });

  it('of an actor of another system is refused', async () => {
    const [one, other] = [testSystem(), testSystem()];
    expect(await rejection(one.system.stop(other.system.spawn(worker())))).to.be.instanceOf(ConfigError);
  });

  it('rejects those who wait for it to be ready', async () => {
    const { system } = testSystem({ stopTimeoutMs: 10 });
    const ref: WorkerRef = system.spawn(worker({ mailbox: { capacity: 1 }, push: () => new Promise(() => {}) }));
    ref.push({});
    await until(() => system.statistics.messages === 1);
    ref.push({});
    const ready = rejection(ref.ready());
    await system.stop(ref);
    expect(await ready).to.be.instanceOf(StoppedError);
  });
});
