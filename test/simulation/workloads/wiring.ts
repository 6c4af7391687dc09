import { MillraceError, PipelineError, type PipelineRun, type Runtime, StoppedError } from '#src/index.js';
import { type SimulatedNode, workload, type World } from '#src/simulation/index.js';
import { type Board, newBoard } from '../../actors/runtime/pipelines/board.js';
import flow from '../../actors/runtime/pipelines/flow.js';
import restarting from '../../actors/runtime/pipelines/flow-restart.js';

/** Processes and instances of segments come and go while pipelines are wired and run: no row is lost, doubled or made up. */
export default workload('wiring', {
  sizes: {
    nodes: [1, 4],
    partitions: [1, 3],
    runs: [1, 3],
    rows: [0, 60],
    instances: [1, 3],
    changes: [0, 10],
    processes: [0, 3],
  },
  faults: { loss: 0.2, duplicate: 0.1, reorder: 0.1, crashes: 1, cuts: 3 },
  faultMs: 800,
  runtime: ({ partitions = 1 }) => ({ system: { partitions }, streamWindow: { items: 4, bytes: 256 } }),
  async run(world) {
    const guests = Array.from({ length: world.size('processes') }, (_, index) => visit(world, index));
    await Promise.all(Array.from({ length: world.size('runs') }, (_, index) => flowOnce(world, index)));
    await Promise.all(guests);
  },
});

/** A process that joins some node, and leaves again. */
async function visit(world: World, index: number): Promise<void> {
  await world.pass(world.below(200));
  const node = world.pick(world.nodes);
  const controlPlane = world.nodes[0]?.runtime?.controlPlane;
  if (!node.isUp || controlPlane === undefined) return;
  let guest: Runtime;
  try {
    guest = await world.executor.start({
      node: node.name,
      name: `guest-${index}`,
      controlPlane,
      system: { partitions: 1 },
    });
  } catch (error) {
    world.check(
      error instanceof MillraceError && world.plan.faults.length > 0,
      `a process could not join: ${String(error)}`,
    );
    return;
  }
  await world.pass(world.below(300));
  await guest.stop();
}

async function flowOnce(world: World, index: number): Promise<void> {
  await world.pass(world.below(100));
  const node = world.pick(world.nodes);
  const { runtime, generation } = node;
  if (runtime === undefined) return;
  const isRestarting = world.random() < 0.7;
  const policy = world.pick(['round-robin', 'hash', 'broadcast'] as const);
  const instances = {
    stages: 1 + world.below(world.size('instances')),
    sinks: 1 + world.below(world.size('instances')),
  };
  // What is broadcast to instances that come and go has no one result.
  const changes = policy === 'broadcast' ? 0 : world.below(world.size('changes') + 1);
  const { board, run: name } = newBoard(`wiring-${index}`);
  const isSlow = world.random() < 0.8;
  const mishap = world.pick(['none', 'none', 'none', 'stopped', 'thrown'] as const);
  let throwsAt = mishap === 'thrown' ? world.below(world.size('rows') + 1) : -1;
  board.stage = ({ id }) => {
    if (id === throwsAt) {
      throwsAt = -1;
      throw new Error('the stage threw');
    }
    return isSlow ? world.pass(world.below(12)) : undefined;
  };
  const args = { run: name, count: world.size('rows'), policy, ...instances };
  let run: PipelineRun;
  let outcome: unknown;
  try {
    run = await runtime.run(isRestarting ? restarting : flow, { args });
    const scaled = Array.from({ length: changes }, () => scale(world, run, board));
    if (mishap === 'stopped') scaled.push(stopAt(world, run, board));
    outcome = await run.done.then(
      () => undefined,
      (error: unknown) => error,
    );
    await Promise.all(scaled);
  } catch (error) {
    outcome = error;
  }
  if (outcome === undefined)
    checkRows(world, board, world.size('rows') * (policy === 'broadcast' ? instances.stages : 1), instances);
  else
    world.check(
      mayFail(world, outcome, isRestarting, node, generation) ||
        // One that had failed when it was stopped does not start anew.
        (mishap === 'stopped' && (outcome instanceof StoppedError || outcome instanceof PipelineError)) ||
        (mishap === 'thrown' && !isRestarting && outcome instanceof PipelineError),
      `it failed, though nothing has ended: ${outcome instanceof Error ? outcome.message : 'without an error'}`,
    );
}

async function stopAt(world: World, run: PipelineRun, board: Board): Promise<void> {
  const row = Math.floor(world.random() * world.size('rows'));
  for (let waitedMs = 0; board.accepted < row && waitedMs < 2_000; waitedMs++) await world.pass(1);
  await run.stop().catch((error: unknown) => {
    world.check(error instanceof MillraceError, `stopping failed with what is no error of ours: ${String(error)}`);
  });
}

/**
 * Some instance more or less, after some time or some rows: near the end too, where who comes must not be overlooked by who goes. Refused
 * where the segment has begun to end, or it is the last one.
 */
async function scale(world: World, run: PipelineRun, board: Board): Promise<void> {
  const rows = world.size('rows');
  const isLate = world.random() < 0.5;
  const [atMs, row] = [world.below(200), isLate ? rows - world.below(Math.min(rows, 6)) : world.below(rows)];
  const segment = isLate || world.random() < 0.6 ? 'stage' : 'sink';
  if (!isLate && world.random() < 0.5) await world.pass(atMs);
  for (let waitedMs = 0; board.accepted < row && waitedMs < 2_000; waitedMs++) await world.pass(1);
  const instances = run.instances(segment);
  if (isLate && world.random() < 0.7) holdUp(world, 10 + world.below(150));
  try {
    if (instances.length > 0 && world.random() < (isLate ? 0.1 : 0.5)) {
      await run.drainInstance(world.pick(instances));
    } else {
      const added = await run.addInstance(segment);
      await world.pass(world.below(20));
      if (world.random() < 0.5) await run.drainInstance(added);
    }
  } catch (error) {
    world.check(error instanceof MillraceError, `scaling failed with what is no error of ours: ${String(error)}`);
  }
}

/** For a while the control plane does not reach one node: it learns late of who comes and goes, and the others do not. */
function holdUp(world: World, forMs: number): void {
  const [first, ...others] = world.nodes.map(({ name }) => name);
  if (first === undefined || others.length === 0) return;
  const heal = world.executor.network.partition([first], [world.pick(others)]);
  void world.pass(forMs).then(heal);
}

function checkRows(world: World, board: Board, expected: number, { stages }: { readonly stages: number }): void {
  const counts = new Map<number, number>();
  for (const { id } of board.sunk) counts.set(id, (counts.get(id) ?? 0) + 1);
  const times = expected / Math.max(1, world.size('rows'));
  const wrong = Array.from({ length: world.size('rows') }, (_, id) => id).filter((id) => counts.get(id) !== times);
  world.check(
    wrong.length === 0 && board.sunk.length === expected,
    `${board.sunk.length} rows of ${expected} were sunk by ${stages} stages; wrong are ${wrong.slice(0, 10).join(', ')}`,
  );
}

/** Frames that are lost, and processes that end, fail a pipeline that may not start anew; one that may has five tries more. */
function mayFail(
  world: World,
  error: unknown,
  isRestarting: boolean,
  node: SimulatedNode,
  generation: number,
): boolean {
  if (!(error instanceof MillraceError)) return false;
  const hasLeft = !node.isUp || node.generation !== generation;
  const { faults, network } = world.plan;
  // A process that leaves may be chosen once more for what it ended, and the segment that throws is one more.
  const ends = faults.length + 2 * world.size('processes') + 1;
  const isCalm = network.loss === 0 && network.reorder === 0 && network.duplicate === 0;
  return hasLeft || (isRestarting ? ends > 5 : ends > 1 || !isCalm);
}
