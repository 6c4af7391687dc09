import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { later, type Tracing } from '#src/actors/kernel/index.js';
import { until } from '../../support/until.js';
import type { FirstTells } from './first-tells.js';
import { closeSystems, counter, testSystem, worker } from './harness.js';

const storage = new AsyncLocalStorage<number>();

/** A message of request `value` may see the storage of that request, or none. */
type Seen = readonly [value: number, store: number | undefined];

function expectOwn(seen: readonly Seen[], count: number): void {
  expect(seen).to.have.length(count);
  for (const [value, store] of seen) expect([value, undefined], `request ${value}`).to.include(store);
}

/** Traces every message, and keeps nothing. */
const tracing: Tracing = {
  call: (_method, inherited, send) => send(inherited ?? { traceParent: '00-1-1-01', traceState: '' }),
  handle: (_method, _actor, _trace, run) => run(),
  detached: (run) => run(),
};

for (const { world, ...options } of [
  { world: 'virtual time', isReal: false },
  { world: 'real time', isReal: true },
  { world: 'virtual time, with tracing', isReal: false, tracing },
  { world: 'real time, with tracing', isReal: true, tracing },
]) {
  describe(`AsyncLocalStorage in ${world}`, () => {
    afterEach(async () => {
      await closeSystems();
      storage.disable();
    });

    const setUp = () => testSystem({}, options);
    const requests = [1, 2, 3, 4];

    it('has what the sender of an ask has, before an await and after it, and with a later reply', async () => {
      const { system } = setUp();
      const seen: Seen[] = [];
      const see = (value: number): void => void seen.push([value, storage.getStore()]);
      const ref = system.spawn(
        worker({
          work: (_state, { value }) => {
            see(value);
            if (value % 2 === 0) return later(Promise.resolve({ value }));
            return Promise.resolve().then(() => {
              see(value);
              return { value };
            });
          },
        }),
      );
      await Promise.all(requests.map((value) => storage.run(value, () => ref.work({ value }))));
      expect(seen.map(([value, store]) => [value, store])).to.deep.equal([
        [1, 1],
        [1, 1],
        [2, 2],
        [3, 3],
        [3, 3],
        [4, 4],
      ]);
    });

    it('has what the sender of a tell has once it is in use, and goes on from actor to actor', async () => {
      const { system } = setUp();
      const seen: Seen[] = [];
      await storage.run(0, () => system.spawn(worker()).work({}));
      const last = system.spawn(worker({ push: (_state, { value }) => void seen.push([value, storage.getStore()]) }));
      const first = system.spawn(
        worker({
          push: async (_state, message) => {
            last.push(message);
            await Promise.resolve();
            last.push(message);
          },
        }),
      );
      for (const value of requests) storage.run(value, () => first.push({ value }));
      first.push({ value: 9 });
      await until(() => seen.length === 10);
      expectOwn(seen, 10);
      expect(seen.filter(([, store]) => store !== undefined)).to.have.length(8);
    });

    it('has what the reader of a stream has', async () => {
      const { system } = setUp();
      const seen: Seen[] = [];
      const ref = system.spawn(
        counter({
          count: async function* (_state, { value }) {
            try {
              for (let next = 0; next < 3; next++) {
                seen.push([value, storage.getStore()]);
                yield { value: next };
              }
            } finally {
              seen.push([value, storage.getStore()]);
            }
          },
        }),
      );
      const read = async (value: number): Promise<void> => {
        for await (const element of ref.count({ value }, { windowItems: 1 })) if (element.value === 2) break;
      };
      await Promise.all(requests.map((value) => storage.run(value, () => read(value))));
      await until(() => seen.length === 16);
      expect(seen.every(([value, store]) => value === store)).to.equal(true);
    });

    it('has in a timer what its setter had, and nothing in hooks', async () => {
      const { system } = setUp();
      const seen: Seen[] = [];
      const hooks: unknown[] = [];
      const ref = system.spawn(
        worker({
          idleTimeoutMs: 20,
          state: () => void hooks.push(storage.getStore()),
          on: {
            started: () => void hooks.push(storage.getStore()),
            terminated: () => void hooks.push(storage.getStore()),
            idle: (_state, ctx) => {
              hooks.push(storage.getStore());
              ctx.setIdleTimeout(undefined);
            },
          },
          work: (_state, { value }, ctx) => {
            ctx.after(1, () => void seen.push([value, storage.getStore()]));
            ctx.watch(ctx.spawn(worker({ state: (child) => child.stop() })));
            return { value };
          },
        }),
      );
      await Promise.all(requests.map((value) => storage.run(value, () => ref.work({ value }))));
      await until(() => seen.length === 4 && hooks.length === 7);
      expect(seen.every(([value, store]) => value === store)).to.equal(true);
      expect(hooks.every((store) => store === undefined)).to.equal(true);
    });

    for (const mode of ['ask', 'tell'] as const) {
      it(`is not what a handler of another ${mode} entered`, async () => {
        const { system } = setUp();
        const seen: Seen[] = [];
        const enter = (_state: unknown, { value }: { readonly value: number }): void => {
          seen.push([value, storage.getStore()]);
          storage.enterWith(value);
        };
        const make = () =>
          system.spawn(
            worker({
              push: enter,
              work: (state, message) => {
                enter(state, message);
                return message;
              },
            }),
          );
        for (const ref of [make(), make()]) {
          if (mode === 'tell') for (const value of requests) ref.push({ value });
          else await Promise.all(requests.map((value) => ref.work({ value })));
        }
        await until(() => seen.length === 8);
        expect(seen.every(([, store]) => store === undefined)).to.equal(true);
      });
    }

    it('that the program enters before the start is the outermost context', async () => {
      await storage.run(7, async () => {
        const { system } = setUp();
        const seen: unknown[] = [];
        const ref = system.spawn(
          worker({ state: () => void seen.push(storage.getStore()), work: () => ({ value: storage.getStore() ?? 0 }) }),
        );
        expect(await storage.run(8, () => ref.work({}))).to.deep.equal({ value: 8 });
        expect(seen).to.deep.equal([7]);
      });
    });
  });
}

describe('AsyncLocalStorage in a thread that has used none', () => {
  it('has what the sender of the first tell has', async () => {
    expect(await firstTells('with')).to.deep.equal([1, 2]);
  });

  it('is not seen by a tell behind one without a context, until a turn has ended', async () => {
    expect(await firstTells('behind')).to.deep.equal([undefined, undefined, 1, 2]);
  });
});

/** What the handlers of the thread's first tells saw. */
async function firstTells(order: FirstTells): Promise<unknown> {
  const thread = new Worker(new URL('./first-tells.js', import.meta.url), { workerData: order });
  const reports: unknown[] = await once(thread, 'message');
  await thread.terminate();
  return reports[0];
}
