import { expect } from 'chai';
import {
  type ActorRef,
  type ActorSystemOptions,
  ActorSystem,
  behavior,
  type BehaviorOptions,
  type Handlers,
} from '#src/actors/kernel/index.js';
import { type LogRecord, memoryLogger } from '#src/logging/index.js';
import { RealScheduler, type Scheduler, VirtualScheduler } from '#src/scheduler/index.js';
import { Counting, Worker } from './shop.js';

export interface TestSystem {
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly log: readonly LogRecord[];
}

const open: TestSystem[] = [];

/** A system in virtual time (real time with `isReal`), which `closeSystems` ends. */
export function testSystem(limits: ActorSystemOptions['limits'] = {}, { isReal = false } = {}): TestSystem {
  const scheduler = isReal ? new RealScheduler() : new VirtualScheduler({ seed: 7 });
  const logger = memoryLogger();
  let lastCUid = 0n;
  const system = new ActorSystem({ name: 'test', scheduler, logger, cUids: () => ++lastCUid, limits });
  const made = { system, scheduler, log: logger.records };
  open.push(made);
  return made;
}

/** For `afterEach`: shuts all systems down and holds that nothing is left of them. */
export async function closeSystems(): Promise<void> {
  for (const { system, scheduler } of open.splice(0)) {
    await system.shutdown();
    await until(() => system.statistics.pendingAsks === 0);
    expect(system.statistics).to.include({ actors: 0, pendingAsks: 0, openStreams: 0 });
    expect(scheduler.pendingTimers, 'timers left').to.equal(0);
  }
}

/** Waits, event loop turn by turn, until `isTrue`; fails after 2 s of real time. */
export async function until(isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + 2_000;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(`this never became true: ${isTrue.toString()}`);
    await turn();
  }
}

/** One turn of the real event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What `work` rejects with. */
export async function rejection(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('it did not reject');
}

/** A promise and what settles it. */
export function deferred<T = void>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: Error) => void;
} {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

type WorkerDefinition<State> = BehaviorOptions<State> & Partial<Handlers<typeof Worker, State>>;

/** A Worker whose handlers do nothing, `definition` apart. */
export function worker<State = undefined>(definition: WorkerDefinition<State> = {}) {
  const idle: Handlers<typeof Worker, State> = { push: () => {}, work: (_state, { value }) => ({ value }) };
  return behavior<typeof Worker, State>(Worker, { ...idle, ...definition });
}

export type WorkerRef = ActorRef<typeof Worker>;

type CounterDefinition<State> = BehaviorOptions<State> & Partial<Handlers<typeof Counting, State>>;

/** A Counting whose stream counts up to what it is asked for, `definition` apart. */
export function counter<State = undefined>(definition: CounterDefinition<State> = {}) {
  const plain: Handlers<typeof Counting, State> = {
    push: () => {},
    work: (_state, { value }) => ({ value }),
    count: async function* (_state, { value }) {
      for (let next = 0; next < value; next++) yield { value: next };
    },
  };
  return behavior<typeof Counting, State>(Counting, { ...plain, ...definition });
}

/** All values of a stream of numbers, and the error that it ended with. */
export async function readAll(
  stream: AsyncIterable<{ readonly value: number }> | Iterable<{ readonly value: number }>,
): Promise<{ values: number[]; error?: unknown }> {
  const values: number[] = [];
  try {
    for await (const { value } of stream) values.push(value);
    return { values };
  } catch (error) {
    return { values, error };
  }
}

/** 0, 1, 2, and so on: `count` numbers. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_none, index) => index);
}
