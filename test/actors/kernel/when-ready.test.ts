import { AsyncLocalStorage } from 'node:async_hooks';
import { expect } from 'chai';
import {
  AskAbortedError,
  BackpressureError,
  ConfigError,
  ProtocolError,
  ReentrantAskError,
  StoppedError,
} from '#src/errors.js';
import { ActorSystem, type ActorRef, type WhenReady, type WhenReadyOptions } from '#src/actors/kernel/index.js';
import { memoryLogger } from '#src/logging/index.js';
import { VirtualScheduler } from '#src/scheduler/index.js';
import { testBehavior, virtualCluster } from '#src/testing/index.js';
import { deferred } from '../../support/deferred.js';
import { rejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { errands } from '../../simulation/harness.js';
import { Errands } from '../../simulation/services/errands.js';
import { closeSystems, testSystem, worker, type WorkerRef } from './harness.js';
import type { Worker } from './shop.js';
import { type Pricing } from './shop.js';

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

/** A Worker whose mailbox holds 8, which handles nothing before `open`. */
function gatedWorker() {
  const { system, scheduler } = testSystem();
  const gate = deferred();
  const seen: number[] = [];
  const ref = system.spawn(
    worker({
      mailbox: { capacity: 8 },
      push: (_state, { value }) => {
        seen.push(value);
        return gate.promise;
      },
    }),
    { name: 'slow' },
  );
  const fill = (): void => {
    for (const value of numbers(6)) ref.push({ value });
  };
  return { system, scheduler, ref, seen, fill, open: () => gate.resolve() };
}

/** The compiler knows the tells, and only those. */
export function types(pricing: ActorRef<typeof Pricing>, tells: WhenReady<typeof Worker>): void {
  const sent: Promise<void> = pricing.whenReady.observe({ symbol: 'ACME', price: 1 }, { timeoutMs: 5, meta: {} });
  void sent;
  void tells.push({ value: 1 }, { signal: new AbortController().signal });
  // @ts-expect-error: an ask does not wait for room
  void pricing.whenReady.quote;
  // @ts-expect-error: a trade has no such field
  void pricing.whenReady.observe({ volume: 1 });
  // @ts-expect-error: a tell needs its message
  void pricing.whenReady.observe();
  // @ts-expect-error: a tell has no window
  void tells.push({}, { windowItems: 1 });
}

describe('a tell that waits for room', () => {
  afterEach(closeSystems);

  it('is sent at once where there is room, in order with other tells', async () => {
    const { ref, seen, open } = gatedWorker();
    open();
    const sent = ref.whenReady.push({ value: 1 });
    ref.push({ value: 2 });
    await sent;
    await until(() => seen.length === 2);
    expect(seen).to.deep.equal([1, 2]);
  });

  it('waits while the mailbox is past its mark, and arrives', async () => {
    const { ref, seen, fill, open } = gatedWorker();
    fill();
    let isSent = false;
    const sent = ref.whenReady.push({ value: 7 }).then(() => (isSent = true));
    await until(() => seen.length === 1);
    expect(isSent).to.equal(false);
    open();
    await sent;
    await until(() => seen.length === 7);
    expect(seen.at(-1)).to.equal(7);
  });

  it('may be one of a thousand that nobody awaits in between: all arrive, in the order of the calls', async () => {
    const { system, ref, seen, open } = gatedWorker();
    const all = Promise.all(numbers(1_000).map((value) => ref.whenReady.push({ value })));
    open();
    await all;
    await until(() => seen.length === 1_000);
    expect(seen).to.deep.equal(numbers(1_000));
    expect(system.statistics.deadLetters).to.equal(0);
  });

  it('does not overtake the one before that has just got its room', async () => {
    const { system } = testSystem();
    const gate = deferred();
    const seen: number[] = [];
    const later: Promise<void>[] = [];
    // The last handler makes room, and twenty microtasks after it call.
    const callLater = async (): Promise<void> => {
      for (let microtasks = 0; microtasks < 20; microtasks++) {
        await Promise.resolve();
        later.push(ref.whenReady.push({ value: 100 + later.length }));
      }
    };
    const ref: WorkerRef = system.spawn(
      worker({
        mailbox: { capacity: 8 },
        push: (_state, { value }) => {
          seen.push(value);
          if (value === 5) void callLater();
          return value === 0 ? gate.promise : undefined;
        },
      }),
    );
    for (const value of numbers(6)) ref.push({ value });
    const first = ref.whenReady.push({ value: 99 });
    gate.resolve();
    await first;
    await until(() => later.length === 20);
    await Promise.all(later);
    await until(() => seen.length === 27);
    expect(seen).to.deep.equal([...numbers(6), ...numbers(21).map((index) => 99 + index)]);
  });

  const ends: Readonly<Record<string, readonly [WhenReadyOptions | undefined, new (...given: never[]) => Error]>> = {
    'its deadline': [{ timeoutMs: 50 }, BackpressureError],
    'the default deadline': [undefined, BackpressureError],
    'its signal': [{ signal: AbortSignal.abort() }, AskAbortedError],
  };
  for (const [what, [options, error]] of Object.entries(ends)) {
    it(`is not sent after ${what}`, async () => {
      const { ref, seen, fill, open } = gatedWorker();
      fill();
      expect(await rejection(ref.whenReady.push({ value: 7 }, options))).to.be.instanceOf(error);
      open();
      expect(await ref.work({ value: 3 })).to.deep.equal({ value: 3 });
      expect(seen).to.deep.equal(numbers(6));
    });
  }

  it('is not sent when its signal is aborted, also where there is room', async () => {
    const { ref, seen, fill, open } = gatedWorker();
    fill();
    const controller = new AbortController();
    const waiting = rejection(ref.whenReady.push({ value: 7 }, { signal: controller.signal }));
    controller.abort();
    expect(await waiting).to.be.instanceOf(AskAbortedError);
    open();
    await ref.work({});
    expect(await rejection(ref.whenReady.push({ value: 7 }, { signal: controller.signal }))).to.be.instanceOf(
      AskAbortedError,
    );
    expect(seen).to.deep.equal(numbers(6));
  });

  it('rejects with StoppedError when the actor stops meanwhile, and when it has stopped', async () => {
    const { system, ref, fill, open } = gatedWorker();
    fill();
    const waiting = rejection(ref.whenReady.push({ value: 7 }));
    const stopped = system.stop(ref);
    open();
    await stopped;
    expect(await waiting).to.be.instanceOf(StoppedError);
    expect(await rejection(ref.whenReady.push({ value: 8 }))).to.be.instanceOf(StoppedError);
    // Those that were in the mailbox.
    expect(system.statistics.deadLetters).to.equal(6);
  });

  it('rejects with StoppedError while the system drains, and is no dead letter', async () => {
    const { system, ref, open } = gatedWorker();
    open();
    system.drain();
    expect(await rejection(ref.whenReady.push({ value: 7 }))).to.be.instanceOf(StoppedError);
    expect(system.statistics.deadLetters).to.equal(0);
  });

  it('refuses a wrong message and wrong options at once, whether there is room or not', async () => {
    const { ref, fill } = gatedWorker();
    for (const prepare of [() => {}, fill]) {
      prepare();
      // What plain JavaScript may pass.
      const push = ref.whenReady.push as (message: unknown, options?: unknown) => Promise<void>;
      const call = (...given: [unknown, unknown?]): Promise<void> => push.apply(ref.whenReady, given);
      expect(await rejection(call(7))).to.be.instanceOf(ProtocolError);
      expect(await rejection(call({}, { timeoutMs: -1 }))).to.be.instanceOf(ConfigError);
      expect(await rejection(call({}, { timeOutMs: 1 }))).to.be.instanceOf(ConfigError);
    }
  });

  it('keeps the message as it was given', async () => {
    const { ref, seen, fill, open } = gatedWorker();
    fill();
    const message = { value: 7 };
    const sent = ref.whenReady.push(message);
    message.value = 8;
    open();
    await sent;
    await until(() => seen.length === 7);
    expect(seen.at(-1)).to.equal(7);
  });

  it('has the sender, meta and AsyncLocalStorage of its call, whoever makes room', async () => {
    const { system } = testSystem();
    const storage = new AsyncLocalStorage<string>();
    const gate = deferred();
    const seen: unknown[] = [];
    const slow = system.spawn(
      worker({
        mailbox: { capacity: 8 },
        push: (_state, { value }, ctx) => {
          if (value >= 10) seen.push([value, ctx.sender?.cUid, ctx.meta, storage.getStore()]);
          return gate.promise;
        },
      }),
    );
    const front = system.spawn(
      worker({
        push: async (_state, message, ctx) => {
          await slow.whenReady.push(message, { meta: { step: 'b' }, timeoutMs: 1_000 });
          await slow.whenReady.push({ value: message.value + 1 }, ctx.options());
        },
      }),
    );
    const { cUid } = front.toRef();
    const meta = { meta: { tenant: 'a' } };
    await storage.run('of the sender', async () => {
      for (const value of numbers(6)) slow.push({ value });
      front.push({ value: 10 }, meta);
      const direct = slow.whenReady.push({ value: 20 }, { meta: { step: 'c' } });
      gate.resolve();
      await direct;
    });
    await until(() => seen.length === 3);
    const context = 'of the sender';
    expect(seen).to.have.deep.members([
      [10, cUid, { tenant: 'a', step: 'b' }, context],
      [11, cUid, { tenant: 'a' }, context],
      [20, undefined, { step: 'c' }, context],
    ]);
  });

  it('to an own full mailbox is refused, because that would wait for ever', async () => {
    const { system } = testSystem();
    const outcome = deferred<unknown>();
    const ref = system.spawn(
      worker({
        mailbox: { capacity: 4 },
        push: async (_state, { value }, ctx) => {
          if (value === 0) outcome.resolve(await rejection(ctx.self.whenReady.push({ value: 9 })));
        },
      }),
    );
    for (const value of numbers(4)) ref.push({ value });
    expect(await outcome.promise).to.be.instanceOf(ReentrantAskError);
  });

  it('is seen by tracing when it is sent', async () => {
    const gate = deferred();
    const called: string[] = [];
    const system = new ActorSystem({
      name: 'traced',
      scheduler: new VirtualScheduler({ seed: 1 }),
      logger: memoryLogger(),
      cUids: () => 1n,
      tracing: {
        call: (method, _inherited, send) => {
          called.push(method.name);
          return send(undefined);
        },
        handle: (_method, _actor, _trace, run) => run(),
        detached: (run) => run(),
      },
    });
    const ref = system.spawn(worker({ mailbox: { capacity: 4 }, push: () => gate.promise }));
    const sent = numbers(8).map((value) => ref.whenReady.push({ value }));
    expect(called.length).to.be.within(1, 7);
    gate.resolve();
    await Promise.all(sent);
    expect(called).to.have.length(8);
    await system.shutdown();
  });

  it('is an effect in a test of a behavior alone', async () => {
    const test = await testBehavior(worker({ push: (_state, message, ctx) => ctx.self.whenReady.push(message) }));
    await test.handle('push', { value: 2 });
    expect(test.takeEffects().map(({ kind }) => kind)).to.deep.equal(['told']);
  });

  it('waits for actors over links, too: a thousand at once, to two slow actors', async () => {
    const cluster = await virtualCluster({ nodes: 2, seed: 3, latencyMs: 1 });
    const [home, far] = cluster.runtimes;
    if (home === undefined || far === undefined) throw new Error('two nodes were asked for');
    const { scheduler } = cluster.executor;
    const seen: number[][] = [[], []];
    const refs = await Promise.all(
      seen.map(async (own, index) => {
        const push = async (_state: unknown, { number }: { readonly number: number }): Promise<void> => {
          own.push(number);
          await new Promise<void>((resolve) => void scheduler.setTimer(0.1, resolve));
        };
        home.spawn(errands({ push, mailbox: { capacity: 16 } }), { name: `slow-${index}`, register: true });
        return far.lookup(Errands, `slow-${index}`);
      }),
    );
    const sent = refs.flatMap((ref) => numbers(1_000).map((number) => ref.whenReady.push({ number })));
    await Promise.all(sent);
    await cluster.until(() => seen.every((own) => own.length === 1_000));
    expect(seen).to.deep.equal([numbers(1_000), numbers(1_000)]);
    await cluster.stop();
  });
});
