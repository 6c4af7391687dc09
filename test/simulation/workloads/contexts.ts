import {
  type ActorRef,
  behavior,
  component,
  type Context,
  later,
  MillraceError,
  StoppedError,
  type Supervision,
} from '#src/index.js';
import { type SimulatedNode, workload, type World } from '#src/simulation/index.js';
import { Errands } from '../services/errands.js';

/** What actors have done, in one run of the workload. */
interface Board {
  /** Workers that run now, by their boss and number. */
  readonly running: Map<string, number>;
  /** Workers that have run twice at a time. */
  readonly doubled: Set<string>;
  /** Errands that a boss has begun. */
  readonly begun: Set<number>;
}

/** Of the run that goes on: there is one at a time, and its actors are on the same thread. */
const current: { board?: Board | undefined } = {};

const idle = {
  push: () => {},
  urge: () => {},
  guard: () => {},
  leave: () => {},
  raise: () => {},
  end: () => {},
  bother: () => {},
  stumble: () => {},
};

const supervision: Supervision = { onFailure: 'restart', backoff: { minMs: 1, maxMs: 10 } };

const double = (_state: unknown, { number }: { readonly number: number }) => ({ number: number * 2 });

function pause(context: Context, ms: number): Promise<void> {
  return new Promise((resolve) => void context.scheduler.setTimer(ms, resolve));
}

function changed(key: string, by: number): void {
  const { board } = current;
  if (board === undefined) return;
  const count = (board.running.get(key) ?? 0) + by;
  board.running.set(key, count);
  if (count > 1) board.doubled.add(key);
}

export const worker = component('worker', import.meta.url, Errands, ({ key }: { readonly key: string }) =>
  behavior(Errands, {
    ...idle,
    run: double,
    rush: double,
    ponder: double,
    promise: double,
    on: {
      started: () => changed(key, 1),
      stopping: async (_state, context) => {
        await pause(context, 20);
        changed(key, -1);
      },
    },
  }),
);

/** Handles each errand in `number` ms. */
const helper = behavior(Errands, {
  ...idle,
  run: double,
  rush: double,
  ponder: async (_state, { number }, context) => {
    await pause(context, number);
    return { number };
  },
  promise: (_state, { number }, context) => later(pause(context, 10 + number).then(() => ({ number }))),
});

export const boss = component('boss', import.meta.url, Errands, ({ name }: { readonly name: string }) =>
  behavior(Errands, {
    ...idle,
    supervision,
    /** Places a worker, finds it by its name, and has it answer. */
    run: async (_state, { number }, context) => {
      const key = `${name}/${number}`;
      await context.place(worker, { args: { key }, register: key, timeoutMs: 10_000 });
      const found = await context.lookup(Errands, key, { timeoutMs: 10_000 });
      return found.run({ number }, context.options());
    },
    /** Begins an errand, and takes a while. */
    rush: async (_state, { number }, context) => {
      current.board?.begun.add(number);
      await pause(context, 1 + (number % 20));
      return { number: number * 2 };
    },
    /** Gives a child so many errands, and drains it: answers how many of them were answered. */
    ponder: async (_state, { number }, context) => {
      const child = context.spawn(helper);
      const asked = Array.from({ length: number }, (_, ms) => {
        const errand = { number: ms };
        return ms % 2 === 0 ? child.promise(errand, context.options()) : child.ponder(errand, context.options());
      });
      const stopped = context.stopChild(child, { drain: { timeoutMs: 60_000 } });
      const answered = (await Promise.allSettled(asked)).filter(({ status }) => status === 'fulfilled');
      await stopped;
      return { number: answered.length };
    },
    promise: double,
    raise: () => {
      throw new Error('a failure that restarts');
    },
  }),
);

/**
 * Actors place others, look names up and drain children by their contexts, in every partition of nodes that crash and are cut off. What an actor has placed
 * ends with its incarnation; what an actor that drains has begun is answered.
 */
export default workload('contexts', {
  sizes: { nodes: [1, 3], partitions: [1, 3], bosses: [1, 4], workers: [1, 3], errands: [1, 12] },
  faults: { loss: 0.05, duplicate: 0.05, reorder: 0.05, crashes: 1, cuts: 1 },
  faultMs: 3_000,
  settleMs: 120_000,
  runtime: ({ partitions = 1 }) => ({ system: { partitions }, kernelLimits: { stopTimeoutMs: 500 } }),
  async run(world) {
    const board: Board = { running: new Map(), doubled: new Set(), begun: new Set() };
    current.board = board;
    try {
      const bosses = Array.from({ length: world.size('bosses') }, (_, index) => `boss-${index}`);
      await Promise.all(bosses.map((name, index) => live(world, name, index, board)));
      await world.until('all faults to be healed', () => world.isHealed);
      await world.until('what bosses have placed to have ended', () =>
        [...board.running.values()].every((count) => count === 0),
      );
      world.check(board.doubled.size === 0, `workers have run twice at a time: ${[...board.doubled].join(' ')}`);
    } finally {
      current.board = undefined;
    }
  },
});

/** One boss, from its placing to its end. A fault may cut that short. */
async function live(world: World, name: string, index: number, board: Board): Promise<void> {
  const placer: SimulatedNode = world.pick(world.nodes);
  const target = world.pick(world.nodes);
  const { runtime, generation } = placer;
  const { generation: generationThere } = target;
  if (runtime === undefined) return;
  let ref: ActorRef<typeof Errands> | undefined;
  try {
    ref = await runtime.place(boss, { args: { name }, on: { node: target.name }, timeoutMs: 5_000 });
    const placed = ref;
    const workers = Array.from({ length: world.size('workers') }, (_, number) => number);
    const restarts = world.random() < 0.4;
    for (const number of workers) await placed.run({ number }, { timeoutMs: 40_000 });
    if (restarts) {
      placed.raise({});
      for (const number of workers) await placed.run({ number }, { timeoutMs: 40_000 });
    }
    const given = 1 + world.below(5);
    const { number: answered } = await placed.ponder({ number: given }, { timeoutMs: 60_000 });
    world.check(answered === given, `a child that was drained answered ${answered} of ${given} errands`);
    const numbers = Array.from({ length: world.size('errands') }, (_, number) => 1_000 * index + number);
    const asked = Promise.allSettled(numbers.map((number) => placed.rush({ number }, { timeoutMs: 60_000 })));
    await world.pass(world.below(60));
    await runtime.stopActor(placed, { drain: { timeoutMs: 60_000 } });
    const outcomes = await asked;
    for (const [at, outcome] of outcomes.entries()) {
      const number = numbers[at] ?? 0;
      const isStopped = outcome.status === 'rejected' && outcome.reason instanceof StoppedError;
      // An actor of a process that has ended may be one that has stopped.
      if (placer.generation === generation && target.generation === generationThere && isStopped) {
        world.check(!board.begun.has(number), `errand ${number} was begun, and not answered`);
      }
    }
  } catch (error) {
    world.check(error instanceof MillraceError, `a boss met what is no error of ours: ${String(error)}`);
  } finally {
    // One that is silent is stopped in the background, and one whose placer has crashed ends with that.
    if (ref !== undefined) await runtime.stopActor(ref).catch(() => {});
  }
}
