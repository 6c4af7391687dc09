import { behavior, component, type Failure, MillraceError, type UntypedRef } from '#src/index.js';
import { type SimulatedNode, workload, type World } from '#src/simulation/index.js';
import { Errands } from '../services/errands.js';

/** What was placed, in one run of the workload. */
interface Board {
  /** Actors that run now, by their number. */
  readonly running: Map<number, number>;
  /** Numbers that have run twice at a time. */
  readonly doubled: Set<number>;
}

/** Of the run that goes on: there is one at a time, and its actors are on the same thread. Their arguments are the same for each run of a seed. */
const current: { board?: Board | undefined } = {};

const placed = ({ number }: { readonly number: number }) =>
  behavior(Errands, {
    push: () => {},
    urge: () => {},
    run: (_state, errand) => ({ number: errand.number * 2 }),
    rush: () => ({ number }),
    ponder: () => ({ number }),
    promise: () => ({ number }),
    stumble: () => {
      throw new Error('stumbled');
    },
    guard: () => {},
    leave: () => {},
    raise: () => {},
    end: (_state, _errand, context) => context.stop(),
    bother: () => {},
    on: {
      started: () => changed(number, 1),
      stopping: () => changed(number, -1),
    },
  });

function changed(number: number, by: number): void {
  const { board } = current;
  if (board === undefined) return;
  const count = (board.running.get(number) ?? 0) + by;
  board.running.set(number, count);
  if (count > 1) board.doubled.add(number);
}

export const once = component('once', import.meta.url, Errands, placed);
export const lasting = component('lasting', import.meta.url, Errands, placed, { onFailure: 'restart' });

/** An actor that a node has placed at another. */
interface Entry {
  readonly number: number;
  readonly isLasting: boolean;
  readonly placer: SimulatedNode;
  readonly generation: number;
  state: 'placing' | 'placed' | 'refused' | 'withdrawn' | 'told';
  ref: UntypedRef | undefined;
}

/** Actors are placed on nodes that crash and are cut off: each runs once while its placer lives, or the placer was told. */
export default workload('placement', {
  sizes: { nodes: [2, 4], partitions: [1, 2], actors: [1, 16] },
  faults: { loss: 0.05, duplicate: 0.05, reorder: 0.05, crashes: 2, cuts: 2 },
  faultMs: 3_000,
  settleMs: 120_000,
  runtime: ({ partitions = 1 }) => ({ system: { partitions }, kernelLimits: { stopTimeoutMs: 500 } }),
  async run(world) {
    const board: Board = { running: new Map(), doubled: new Set() };
    current.board = board;
    try {
      const entries: Entry[] = [];
      world.everyStart((node) => listen(node, entries));
      const work: Promise<void>[] = [];
      for (let number = 0; number < world.size('actors'); number++) {
        work.push(place(world, number, entries));
        if (world.random() < 0.5) await world.pass(world.below(400));
      }
      await Promise.all(work);
      await world.until('all faults to be healed', () => world.isHealed);
      await world.until('each placed actor to run once, and no other', () =>
        entries.every((entry) => (board.running.get(entry.number) ?? 0) === (mustRun(entry) ? 1 : 0)),
      );
      await world.pass(3_000);
      for (const entry of entries) {
        const count = board.running.get(entry.number) ?? 0;
        world.check(count === (mustRun(entry) ? 1 : 0), `actor ${entry.number} (${entry.state}) runs ${count} times`);
      }
      for (const { number, isLasting } of entries) {
        world.check(isLasting || !board.doubled.has(number), `actor ${number} has run twice at a time`);
      }
      for (const entry of entries) {
        if (mustRun(entry) && entry.ref !== undefined) await entry.placer.runtime?.stopActor(entry.ref);
      }
    } finally {
      current.board = undefined;
    }
  },
});

function mustRun({ state, placer, generation }: Entry): boolean {
  return state === 'placed' && placer.isUp && placer.generation === generation;
}

/** A failure names the path of an actor, and the names here are unique. */
function listen(node: SimulatedNode, entries: readonly Entry[]): void {
  node.runtime?.failures.subscribe(({ path }: Failure) => {
    for (const entry of entries) if (path.endsWith(`/actor-${entry.number}`)) entry.state = 'told';
  });
}

async function place(world: World, number: number, entries: Entry[]): Promise<void> {
  const placer = world.pick(world.nodes);
  const target = world.pick(world.nodes);
  const isLasting = world.random() < 0.3;
  const isHasty = world.random() < 0.2;
  if (placer.runtime === undefined) return;
  const { runtime, generation } = placer;
  const entry: Entry = { number, isLasting, placer, generation, state: 'placing', ref: undefined };
  entries.push(entry);
  try {
    const ref = await runtime.place(isLasting ? lasting : once, {
      args: { number },
      on: { node: target.name },
      name: `actor-${number}`,
      timeoutMs: isHasty ? 1 + world.below(200) : 5_000,
    });
    entry.ref = ref;
    if (entry.state === 'placing') entry.state = 'placed';
    if (world.random() < 0.2) {
      entry.state = 'withdrawn';
      await runtime.stopActor(ref);
    }
  } catch (error) {
    if (entry.state === 'placing') entry.state = 'refused';
    world.check(error instanceof MillraceError, `it was not placed, by what is no error of ours: ${String(error)}`);
  }
}
