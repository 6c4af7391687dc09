import { expect } from 'chai';
import fc from 'fast-check';
import { type ActorSystem, type Route, routeKey, type Terminated, type Watcher } from '#src/actors/kernel/index.js';
import { ConfigError, UnreachableError } from '#src/errors.js';
import { deferred } from '../../support/deferred.js';
import { pass } from '../../support/offered-load.js';
import { until } from '../../support/until.js';
import { closeSystems, testSystem, worker, type WorkerRef } from './harness.js';
import { Worker } from './shop.js';

/** Watches what its message says, and unwatches for 0. */
function watcher(target: WorkerRef, events: Terminated[]) {
  return worker({
    push: (_state, { value }, ctx) => (value === 0 ? ctx.unwatch(target) : ctx.watch(target)),
    on: { terminated: (_state, event) => void events.push(event) },
  });
}

describe('death watch', () => {
  afterEach(closeSystems);

  async function watched(system: ActorSystem) {
    const target = system.spawn(worker());
    const events: Terminated[] = [];
    const ref = system.spawn(watcher(target, events));
    return { target, events, ref };
  }

  it('tells once that an actor has stopped, with the reference that was given', async () => {
    const { system } = testSystem();
    const { target, events, ref } = await watched(system);
    ref.push({ value: 1 });
    ref.push({ value: 2 });
    await ref.work({});
    await system.stop(target);
    await until(() => events.length > 0);
    await ref.work({});
    expect(events).to.have.length(1);
    expect(events[0]?.ref).to.equal(target);
    expect(events[0]?.reason).to.equal('stopped');
  });

  it('tells of the end of an actor after all that this actor had told before', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(5), fc.nat(5), fc.boolean(), fc.boolean(), async (earlier, told, fails, waits) => {
        const { system, scheduler } = testSystem();
        const lines: string[] = [];
        const boss: WorkerRef = system.spawn(
          worker({
            push: async (_state, { value }, ctx) => {
              if (value === 0) ctx.watch(target);
              if (waits) await pass(scheduler, 1);
              lines.push(String(value));
            },
            on: { terminated: (_state, { reason }) => void lines.push(reason) },
          }),
        );
        const target: WorkerRef = system.spawn(
          worker({
            supervision: 'stop',
            push: (_state, _request, ctx) => {
              for (let next = 1; next <= told; next++) boss.push({ value: next });
              if (fails) throw new Error('it ends');
              ctx.stop();
            },
          }),
        );
        for (let next = 0; next <= earlier; next++) boss.push({ value: 0 });
        target.push({});
        await until(() => lines.length === earlier + told + 2);
        const numbers = Array.from({ length: told }, (_, index) => String(index + 1));
        expect(lines.filter((line) => line !== '0')).to.deep.equal([...numbers, fails ? 'failed' : 'stopped']);
        await system.shutdown();
      }),
      { numRuns: 60 },
    );
  });

  it('tells at once of an actor that has stopped already', async () => {
    const { system } = testSystem();
    const { target, events, ref } = await watched(system);
    await system.stop(target);
    ref.push({ value: 1 });
    await until(() => events.length === 1);
  });

  it('tells nothing after unwatch', async () => {
    const { system } = testSystem();
    const { target, events, ref } = await watched(system);
    ref.push({ value: 1 });
    ref.push({ value: 0 });
    await ref.work({});
    await system.stop(target);
    await ref.work({});
    expect(events).to.deep.equal([]);
  });

  it('waits for the handler that runs', async () => {
    const { system } = testSystem();
    const gate = deferred();
    const target = system.spawn(worker());
    const events: string[] = [];
    const ref = system.spawn(
      worker({
        push: async (_state, _message, ctx) => {
          ctx.watch(target);
          await gate.promise;
          events.push('handled');
        },
        on: { terminated: () => void events.push('terminated') },
      }),
    );
    ref.push({});
    await until(() => system.statistics.messages === 1);
    await system.stop(target);
    expect(events).to.deep.equal([]);
    gate.resolve();
    await until(() => events.length === 2);
    expect(events).to.deep.equal(['handled', 'terminated']);
  });

  it('tells a parent of its child, and of one that failed', async () => {
    const { system } = testSystem();
    const events: string[] = [];
    const child = worker({
      supervision: 'stop',
      push: () => {
        throw new Error('broken');
      },
    });
    system.spawn(
      worker({
        state: (ctx) => {
          const ref = ctx.spawn(child, { name: 'c' });
          ctx.watch(ref);
          ref.push({});
        },
        on: { terminated: (_state, { ref }) => void events.push(ref.path.parts.join('/')) },
      }),
      { name: 'p' },
    );
    await until(() => events.length === 1);
    expect(events).to.deep.equal(['p/c']);
  });

  it('over a route elsewhere tells why it ended, and is undone when the watcher stops', async () => {
    const { system } = testSystem();
    const watchers = new Set<Watcher>();
    const route: Route = {
      cUid: 99n,
      incarnation: 0n,
      tell: () => true,
      ask: () => Promise.resolve({}),
      stream: (method, _message, options) =>
        system.read(method, options, { path: 'elsewhere' }, () => {
          throw new UnreachableError('no stream leads there');
        }),
      ready: () => Promise.resolve(),
      room: 'free',
      inherit: (_method, options) => ({ options, byMs: undefined }),
      watch: (added) => void watchers.add(added),
      unwatch: (removed) => void watchers.delete(removed),
    };
    const target = system.referenceTo(Worker, route);
    expect(target[routeKey]).to.equal(route);
    const events: Terminated[] = [];
    const one = system.spawn(watcher(target, events));
    const other = system.spawn(watcher(target, events));
    for (const ref of [one, other]) {
      ref.push({ value: 1 });
      await ref.work({});
    }
    expect(watchers.size).to.equal(2);
    await system.stop(other);
    expect(watchers.size).to.equal(1);
    for (const left of watchers) left.terminated(route, 'unreachable');
    await until(() => events.length === 1);
    expect(events[0]?.reason).to.equal('unreachable');
  });

  it('is refused to a behavior that could not be told', async () => {
    const { system } = testSystem();
    const target = system.spawn(worker());
    let error: unknown;
    const ref = system.spawn(
      worker({
        push: (_state, _message, ctx) => {
          try {
            ctx.watch(target);
          } catch (thrown) {
            error = thrown;
          }
        },
      }),
    );
    ref.push({});
    await ref.work({});
    expect(error).to.be.instanceOf(ConfigError);
  });
});
