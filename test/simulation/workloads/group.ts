import { behavior, type GroupPolicy, type GroupRef, MillraceError, type UntypedRef } from '#src/index.js';
import { type SimulatedNode, workload, type World } from '#src/simulation/index.js';
import { Errands } from '../services/errands.js';

/** Time after the last fault in which every process learns which members there are, in ms: a lost one is looked for every 5 s at least. */
const NEWS_MS = 15_000;
const GROUP = 'pool';
const POLICIES: readonly GroupPolicy<typeof Errands>[] = [
  'round-robin',
  'least-loaded',
  'local-first',
  'broadcast',
  { hash: ({ number }) => number },
];

/** The process in which a member runs. */
interface Home {
  readonly node: SimulatedNode;
  readonly generation: number;
}

/** What one run has seen. */
interface Board {
  /** Numbers of tells that a reference to the group has accepted. */
  readonly accepted: Set<number>;
  readonly handled: Set<number>;
  readonly reported: Set<number>;
  /** Members that are registered, by their number. */
  readonly members: Map<number, Home>;
  readonly spawned: (Home & { readonly ref: UntypedRef })[];
  /** References to the group that are kept for the whole run. */
  readonly kept: (Home & { readonly group: GroupRef<typeof Errands> })[];
  /** Numbers of members and of messages. */
  next: number;
}

/** Members of a group come, go, crash and are cut off: nothing that the group accepts is lost without a report, and each member is found again. */
export default workload('group', {
  sizes: { nodes: [2, 4], members: [1, 3], messages: [1, 80], spanMs: [100, 5_000] },
  faults: { crashes: 2, cuts: 6 },
  faultMs: 5_000,
  settleMs: 120_000,
  runtime: () => ({ kernelLimits: { stopTimeoutMs: 500 } }),
  async run(world) {
    const board: Board = {
      accepted: new Set(),
      handled: new Set(),
      reported: new Set(),
      members: new Map(),
      spawned: [],
      kept: [],
      next: 0,
    };
    const work: Promise<void>[] = [];
    world.everyStart((node) => {
      node.runtime?.deadLetters.subscribe(({ message }) => board.reported.add(numberOf(message)));
      for (let count = 0; count < world.size('members'); count++) work.push(come(world, node, board));
      for (const policy of POLICIES) work.push(send(world, node, board, policy));
    });
    await world.until('all faults to be healed', () => world.isHealed || world.plan.faults.length === 0);
    await world.until('every node to be up', () => world.nodes.every((node) => node.isUp));
    await world.pass(NEWS_MS);
    await Promise.all(work);
    await world.pass(NEWS_MS);
    // What a member had taken when its process crashed is lost with it.
    if (world.nodes.every(({ generation }) => generation === 1)) {
      const lost = [...board.accepted].filter((number) => !board.handled.has(number) && !board.reported.has(number));
      world.check(lost.length === 0, `the group accepted ${lost.join(', ')}, which nobody has handled or reported`);
    }
    for (const kept of board.kept) if (lives(kept)) await checkFound(world, kept, board);
    for (const { node, generation, ref } of board.spawned) {
      if (lives({ node, generation })) await node.runtime?.stopActor(ref);
    }
  },
});

function numberOf(message: unknown): number {
  return typeof message === 'object' && message !== null && 'number' in message ? Number(message.number) : -1;
}

function member(board: Board, number: number) {
  return behavior(Errands, {
    push: (_state, errand) => void board.handled.add(errand.number),
    urge: (_state, errand) => void board.handled.add(errand.number),
    run: () => ({ number }),
    rush: () => ({ number }),
    ponder: () => ({ number }),
    promise: () => ({ number }),
    stumble: () => {},
    guard: () => {},
    leave: () => {},
    raise: () => {},
    end: () => {},
    bother: () => {},
    on: { terminated: () => {} },
  });
}

/** One member joins, and perhaps leaves and joins again. */
async function come(world: World, node: SimulatedNode, board: Board): Promise<void> {
  const { runtime, generation } = node;
  const number = ++board.next;
  try {
    if (runtime === undefined) return;
    const ref: UntypedRef = runtime.spawn(member(board, number));
    board.spawned.push({ node, generation, ref });
    for (let times = 1 + world.below(2); times > 0; times--) {
      await world.pass(world.below(world.size('spanMs')));
      if (!lives({ node, generation })) return;
      await runtime.register(GROUP, ref, { group: true });
      board.members.set(number, { node, generation });
      await world.pass(world.below(world.size('spanMs')));
      if (world.random() < 0.5) continue;
      if (!lives({ node, generation })) return;
      board.members.delete(number);
      await runtime.unregister(GROUP, ref);
      if (world.random() < 0.5) return await runtime.stopActor(ref);
    }
  } catch (error) {
    world.check(error instanceof MillraceError, `a member failed by what is no error of ours: ${String(error)}`);
    board.members.delete(number);
  }
}

async function send(
  world: World,
  node: SimulatedNode,
  board: Board,
  policy: GroupPolicy<typeof Errands>,
): Promise<void> {
  try {
    const { generation } = node;
    const group = await node.runtime?.group(Errands, GROUP, { policy });
    if (group === undefined) return;
    if (policy === 'round-robin') board.kept.push({ node, generation, group });
    // The code of a process ends when the process crashes.
    for (let count = 0; lives({ node, generation }) && count < world.size('messages'); count++) {
      if (world.random() < 0.2) void group.run({ number: 1 }, { timeoutMs: 1 + world.below(500) }).catch(() => {});
      tell(group, board);
      if (world.random() < 0.5) await world.pass((4 * world.size('spanMs') * world.random()) / world.size('messages'));
    }
    if (policy !== 'round-robin' && lives({ node, generation })) group.close();
  } catch (error) {
    world.check(error instanceof MillraceError, `a group failed by what is no error of ours: ${String(error)}`);
  }
}

function tell(group: GroupRef<typeof Errands>, board: Board): void {
  const number = ++board.next;
  board.accepted.add(number);
  group.push({ number });
}

function lives({ node, generation }: Home): boolean {
  return node.isUp && node.generation === generation;
}

/** By a reference from before the faults, each member is reached that is registered, and no other. */
async function checkFound(world: World, { node, group }: Board['kept'][number], board: Board): Promise<void> {
  const missing = new Map([...board.members].filter(([, home]) => lives(home)));
  for (let count = 4 * missing.size; count > 0; count--) {
    const { number } = await group.run({ number: 1 }, { timeoutMs: 2_000 });
    world.check(board.members.has(number), `${node.name} has asked member ${number}, which has left`);
    missing.delete(number);
  }
  const names = [...missing].map(([number, home]) => `${number} of ${home.node.name}`);
  world.check(names.length === 0, `${node.name} does not reach the members ${names.join(', ')}`);
}
