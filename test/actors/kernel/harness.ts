import { expect } from 'chai';
import {
  type ActorRef,
  type ActorSystemOptions,
  ActorSystem,
  behavior,
  type BehaviorOptions,
  type Handlers,
  type Tracing,
} from '#src/actors/kernel/index.js';
import { type LogRecord, memoryLogger } from '#src/logging/index.js';
import { RealScheduler, type Scheduler, VirtualScheduler } from '#src/scheduler/index.js';
import { Counting, Loading, Worker } from './shop.js';
import { until } from '../../support/until.js';

export interface TestSystem {
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly log: readonly LogRecord[];
}

const open: TestSystem[] = [];

export interface TestSystemOptions {
  readonly isReal?: boolean;
  readonly tracing?: Tracing | undefined;
}

/** A system in virtual time (real time with `isReal`), which `closeSystems` ends. */
export function testSystem(
  limits: ActorSystemOptions['limits'] = {},
  { isReal = false, tracing }: TestSystemOptions = {},
): TestSystem {
  const scheduler = isReal ? new RealScheduler() : new VirtualScheduler({ seed: 7 });
  const logger = memoryLogger();
  let lastCUid = 0n;
  const system = new ActorSystem({ name: 'test', scheduler, logger, cUids: () => ++lastCUid, limits, tracing });
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

type LoaderDefinition<State> = BehaviorOptions<State> & Partial<Handlers<typeof Loading, State>>;

/** A Loading that adds up what is loaded, and answers each line of a chat with its double, `definition` apart. */
export function loader<State = undefined>(definition: LoaderDefinition<State> = {}) {
  const plain: Handlers<typeof Loading, State> = {
    push: () => {},
    work: (_state, { value }) => ({ value }),
    load: async (_state, requests) => {
      let sum = 0;
      for await (const { value } of requests) sum += value;
      return { value: sum };
    },
    chat: async function* (_state, requests) {
      for await (const { value } of requests) yield { value: value * 2 };
    },
  };
  return behavior<typeof Loading, State>(Loading, { ...plain, ...definition });
}
