import { MillraceError, PipelineError, type PipelineRun, type Runtime } from '#src/index.js';
import { workload, type World } from '#src/simulation/index.js';
import { type Board, newBoard } from '../../actors/runtime/pipelines/board.js';
import flow from '../../actors/runtime/pipelines/flow.js';

/**
 * The control plane crashes and comes back, again and again, while pipelines run on other nodes. One that had begun goes on where it was: its
 * source starts once, and each row arrives once. One that was being started may fail, but ends. When the process that has started a pipeline
 * crashes together with the control plane, the segments of that pipeline end.
 */
export default workload('outliving', {
  sizes: { nodes: [3, 5], partitions: [1, 2], runs: [1, 2], rows: [1, 60], instances: [1, 3], crashes: [1, 3] },
  faults: { crashes: 0, cuts: 0 },
  faultMs: 0,
  runtime: ({ partitions = 1 }) => ({ system: { partitions }, kernelLimits: { stopTimeoutMs: 500 } }),
  async run(world) {
    const others = world.nodes.slice(1).flatMap(({ runtime }) => runtime ?? []);
    const isOver = { value: false };
    const crashing = crashAgain(world, isOver);
    await Promise.all(Array.from({ length: world.size('runs') }, (_, index) => flowOnce(world, index, others)));
    isOver.value = true;
    await crashing;
    await world.until('every node to have rejoined', () =>
      world.nodes.every(({ runtime }) => runtime?.isConnected === true),
    );
    if (world.random() < 0.5) await abandonOne(world);
  },
});

/** The control plane crashes at times that are drawn, before and while pipelines run. */
async function crashAgain(world: World, isOver: { readonly value: boolean }): Promise<void> {
  const [control] = world.nodes;
  if (control === undefined) return;
  for (let count = 0; count < world.size('crashes') && !isOver.value; count++) {
    await world.pass(world.below(world.random() < 0.3 ? 50 : 1_500));
    await world.until('the control plane to be up', () => control.isUp);
    control.crash();
    await world.pass(1 + world.below(2_500));
    control.restart();
  }
  await world.until('the control plane to be up at last', () => control.isUp);
}

async function flowOnce(world: World, index: number, runtimes: readonly Runtime[]): Promise<void> {
  await world.pass(world.below(200));
  const launcher = world.pick(runtimes);
  const generation = (): number => world.nodes[0]?.generation ?? 0;
  const before = generation();
  const { board, run: name } = newBoard(`outliving-${index}`);
  const pauseMs = 1 + world.below(100);
  board.stage = () => world.pass(world.random() * pauseMs);
  const instances = {
    stages: 1 + world.below(world.size('instances')),
    sinks: 1 + world.below(world.size('instances')),
  };
  const args = { run: name, count: world.size('rows'), ...instances };
  // The control plane takes no part in the pipeline.
  const ordinals = runtimes.flatMap((runtime) => runtime.ordinals);
  const partitions = { source: ordinals, stage: ordinals, sink: ordinals };
  let run: PipelineRun | undefined;
  let error: unknown;
  let wasCalm = false;
  try {
    run = await launcher.run(flow, { args, partitions });
    const begun = until(world, () => hasBegun(board, instances)).then(() => {
      wasCalm = world.nodes[0]?.isUp === true && generation() === before;
    });
    error = await run.done.then(
      () => undefined,
      (failure: unknown) => failure,
    );
    await begun;
  } catch (failure) {
    error = failure;
  }
  if (error === undefined) checkRows(world, board);
  else world.check(error instanceof MillraceError, `it failed with what is no error of ours: ${textOf(error)}`);
  if (wasCalm) {
    world.check(error === undefined, `it had begun, and failed with the control plane: ${textOf(error)}`);
    world.check(run?.restarts === 0 && board.starts === 1, `its source started ${board.starts} times`);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : 'without an error';
}

/** Every instance has read a row: all links between them are there. */
function hasBegun(board: Board, { stages, sinks }: { readonly stages: number; readonly sinks: number }): boolean {
  return board.staged.size === stages && board.sunkBy.size === sinks;
}

/** For half a second at most. */
async function until(world: World, isTrue: () => boolean): Promise<void> {
  for (let waitedMs = 0; !isTrue() && waitedMs < 500; waitedMs += 5) await world.pass(5);
}

function checkRows(world: World, board: Board): void {
  const ids = board.sunk.map(({ id }) => id).toSorted((one, other) => one - other);
  const expected = Array.from({ length: world.size('rows') }, (_, id) => id);
  world.check(ids.join() === expected.join(), `of ${expected.length} rows these have arrived: ${ids.join()}`);
}

/** The process that has started a pipeline crashes, and the control plane with it: what runs on other nodes is ended. */
async function abandonOne(world: World): Promise<void> {
  const [control, launcher, ...others] = world.nodes;
  const runtimes = others.flatMap(({ runtime }) => runtime ?? []);
  if (control === undefined || launcher?.runtime === undefined || runtimes.length === 0) return;
  const { board, run: name } = newBoard('outliving-abandoned');
  board.stage = () => world.pass(20);
  const ordinals = runtimes.flatMap((runtime) => runtime.ordinals);
  const partitions = { source: ordinals, stage: ordinals, sink: ordinals };
  const run = await launcher.runtime.run(flow, { args: { run: name, count: 100_000 }, partitions });
  run.done.catch((error: unknown) =>
    world.check(error instanceof PipelineError || error instanceof MillraceError, `no error of ours: ${String(error)}`),
  );
  await world.until('rows to arrive', () => board.sunk.length > 0);
  for (const node of [launcher, control]) node.crash();
  await world.pass(1 + world.below(1_000));
  for (const node of [control, launcher]) node.restart();
  await world.until('the segments to end', () =>
    runtimes.every((runtime) => runtime.metrics().segments.registered === 0),
  );
}
