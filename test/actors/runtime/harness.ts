import { expect } from 'chai';
import {
  Executor,
  type ExecutorOptions,
  type Pipeline,
  type PipelineRun,
  type RunOptions,
  type Runtime,
  type RuntimeOptions,
} from '#src/actors/runtime/index.js';
import { type LogRecord, memoryLogger } from '#src/logging/index.js';
import { type Board, newBoard } from './pipelines/board.js';
import type { FlowArgs } from './pipelines/declare-flow.js';

/** Virtual processes on one pseudo-network. */
export class Cluster {
  readonly executor: Executor;
  readonly seed: number;
  readonly log: readonly LogRecord[];
  readonly started: Runtime[] = [];

  constructor(options: ExecutorOptions = {}) {
    const log = memoryLogger();
    this.seed = options.seed ?? 7;
    this.log = log.records;
    this.executor = new Executor({ latencyMs: 1, log, ...options, seed: this.seed });
    open.push(this);
  }

  /** The first that is started serves the control plane; the others join it. */
  async start(options: RuntimeOptions = {}): Promise<Runtime> {
    const [first] = this.started;
    const name = `process-${this.started.length}`;
    const join = first === undefined ? {} : { controlPlane: first.controlPlane };
    const runtime = await this.executor.start({ node: `node-${this.started.length}`, name, ...join, ...options });
    this.started.push(runtime);
    return runtime;
  }

  /** Lets virtual time pass. */
  pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.executor.scheduler.setTimer(ms, resolve));
  }
}

export interface World {
  readonly cluster: Cluster;
  /** The process that serves the control plane. */
  readonly control: Runtime;
  /** The process under test. */
  readonly runtime: Runtime;
}

type Start = (runtime?: RuntimeOptions, network?: ExecutorOptions) => Promise<World>;

/**
 * Declares the same tests twice: the process under test serves the control plane itself, or reaches it in another virtual process by
 * links only.
 */
export function describeRuntime(title: string, declare: (start: Start) => void): void {
  describe(title, () => {
    describe('with the control plane in the same partition', () => {
      declare(async (options, network) => {
        const cluster = new Cluster(network);
        const runtime = await cluster.start(options);
        return { cluster, control: runtime, runtime };
      });
    });
    describe('with the control plane in another virtual process', () => {
      declare(async (options, network) => {
        const cluster = new Cluster(network);
        const control = await cluster.start();
        return { cluster, control, runtime: await cluster.start(options) };
      });
    });
    closeAfterEach();
  });
}

const open: Cluster[] = [];

/** After each test everything is stopped, and nothing may be left of it. */
export function closeAfterEach(): void {
  afterEach(async function () {
    for (const cluster of open.splice(0)) {
      if (this.currentTest?.state === 'failed') {
        console.error(`      seed ${cluster.seed}; log:`);
        for (const { level, message, fields } of cluster.log) {
          if (level !== 'debug') console.error(`        ${level} ${message} ${JSON.stringify(fields)}`);
        }
      }
      await closeCluster(cluster);
    }
  });
}

/** `ignoresTimers`: the test itself has set some that have not come due. */
export async function closeCluster(cluster: Cluster, { ignoresTimers = false } = {}): Promise<void> {
  const { executor, started } = cluster;
  for (const runtime of started.toReversed()) await runtime.stop();
  const left = () => ({
    ...executor.network.statistics,
    pendingTimers: ignoresTimers ? 0 : executor.scheduler.pendingTimers,
    leftovers: started.map((runtime) => runtime.leftovers),
  });
  const nothing = {
    processes: 0,
    openLinks: 0,
    framesInFlight: 0,
    bytesInFlight: 0,
    timers: 0,
    pendingTimers: 0,
    leftovers: started.map(() => ({
      actors: 0,
      pendingAsks: 0,
      openStreams: 0,
      links: 0,
      linkAsks: 0,
      mailboxBytes: 0,
    })),
  };
  const index = open.indexOf(cluster);
  if (index >= 0) open.splice(index, 1);
  try {
    await until(() => left().pendingTimers === 0 && left().openLinks === 0).catch(() => {});
    expect(left(), `left with seed ${cluster.seed}`).to.deep.equal(nothing);
  } finally {
    await executor.stop();
  }
}

/** Runs one of the flow pipelines; what its segments do is on the board. */
export async function startFlow(
  runtime: Runtime,
  flow: Pipeline<FlowArgs>,
  args: Omit<FlowArgs, 'run'>,
  options: { readonly board?: (board: Board) => void; readonly name?: string } & Omit<
    RunOptions<FlowArgs>,
    'args'
  > = {},
): Promise<{ readonly run: PipelineRun; readonly board: Board }> {
  const { board: prepare, name: given, ...rest } = options;
  const { board, run: name } = newBoard(given);
  prepare?.(board);
  const run = await runtime.run(flow, { args: { run: name, ...args }, ...rest });
  return { run, board };
}

/** Numbers from 0 below `count`. */
export function idsBelow(count: number): number[] {
  return Array.from({ length: count }, (_, id) => id);
}

export function sorted(ids: Iterable<number>): number[] {
  return [...ids].sort((left, right) => left - right);
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

/** Waits, event loop turn by turn, until `isTrue`; fails after 3 s of real time. */
export async function until(isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + 3_000;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(`this never became true: ${isTrue.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A promise and what settles it. */
export function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}
