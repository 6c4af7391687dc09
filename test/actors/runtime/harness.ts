import type {
  Pipeline,
  PipelineRun,
  Placement,
  RunOptions,
  Runtime,
  RuntimeOptions,
} from '#src/actors/runtime/index.js';
import { Cluster, clusters } from './cluster.js';
import { type Board, newBoard } from './pipelines/board.js';
import type { FlowArgs } from './pipelines/declare-flow.js';
import { chosenPlacements, inProcesses } from './worlds.js';

export { Cluster, NOTHING_LEFT, until } from './cluster.js';

export interface World {
  readonly cluster: Cluster;
  /** The process that serves the control plane. */
  readonly control: Runtime;
  /** The process under test. */
  readonly runtime: Runtime;
}

type Start = (options?: RuntimeOptions) => Promise<World>;

interface WorldKind {
  readonly title: string;
  readonly placement: Placement;
  readonly hasControlElsewhere?: boolean;
  readonly partitions?: number;
}

const VIRTUAL: readonly WorldKind[] = [
  { title: 'with the control plane in the same partition', placement: 'inline' },
  { title: 'with the control plane in another virtual process', placement: 'inline', hasControlElsewhere: true },
];

const HOSTED: readonly WorldKind[] = [
  { title: 'with partitions on threads', placement: 'thread' },
  { title: inProcesses, placement: 'process' },
];

/** In real time, where processes reach each other by sockets and shared memory, as processes of the operating system do. */
const SOCKETS: WorldKind = { title: 'over sockets', placement: 'thread', partitions: 1 };
const LINKED: readonly WorldKind[] = [{ title: 'on virtual links', placement: 'inline' }, SOCKETS];

/** What a shared world of `describeRuntime` has anyway in real time: a test that asks for one of these shares it, too. */
export const TWO_PARTITIONS: RuntimeOptions = { system: { partitions: 2 } };
export const SHORT_STOP: RuntimeOptions = { kernelLimits: { stopTimeoutMs: 500 } };

interface Titled {
  readonly title: string;
  /** Why the tests make sense on virtual time only: what they need that real time does not have. */
  readonly virtualOnly?: string;
  /** In real time, where a start takes a while, tests that start a runtime without options share one, and leave it as it was. */
  readonly shares?: boolean;
  /** Partitions elsewhere make no difference to these tests: in real time a runtime has one only where its test asks for it by its options. */
  readonly linked?: boolean;
  /** Processes make a difference to these tests, so `npm test` runs them there too: see worlds.ts. */
  readonly everywhere?: boolean;
}

type Placed = string | Pick<Titled, 'title' | 'everywhere'>;

/**
 * Declares the same tests for several worlds. On virtual time the process under test serves the control plane itself, or reaches it in another
 * virtual process by links only; in real time its partitions, but for the first, are on threads or in processes of their own. What is about
 * faults of the network, seeds and traces (faults.test.ts, replay.test.ts) is declared for virtual time alone: a real network has none of them.
 */
export function describeRuntime(titled: string | Titled, declare: (start: Start) => void): void {
  const given: Titled = typeof titled === 'string' ? { title: titled } : titled;
  const { title, virtualOnly, shares = false, linked = false, everywhere } = given;
  const real = linked ? [SOCKETS] : HOSTED;
  const why = virtualOnly === undefined ? '' : ` (on virtual time only: ${virtualOnly})`;
  describe(title + why, () => {
    for (const kind of chosenPlacements(virtualOnly === undefined ? [...VIRTUAL, ...real] : VIRTUAL, everywhere)) {
      describeWorld(kind, () => declare(shares && kind.placement !== 'inline' ? sharing(kind) : starting(kind)));
    }
    closeAfterEach();
  });
}

function starting(kind: WorldKind): Start {
  return (options) => open(kind, options);
}

function sharing(kind: WorldKind): Start {
  let shared: World | undefined;
  after(() => shared?.cluster.close());
  return async (options) => {
    if (options !== undefined && options !== TWO_PARTITIONS && options !== SHORT_STOP) return open(kind, options);
    shared ??= await open(kind, SHORT_STOP);
    shared.cluster.isShared = true;
    return shared;
  };
}

/** One runtime for the tests of a world that leave it as it was; it is stopped behind the last of them. */
export function sharedRuntime(
  newCluster: () => Cluster,
  options?: RuntimeOptions,
): () => Promise<Omit<World, 'control'>> {
  let shared: Promise<Omit<World, 'control'>> | undefined;
  after(async () => (await shared)?.cluster.close());
  const first = async () => {
    const cluster = newCluster();
    cluster.isShared = true;
    return { cluster, runtime: await cluster.start(options) };
  };
  return () => (shared ??= first());
}

/** Declares the same tests for clusters on virtual time, and for those with partitions on threads and in processes. */
export function describePlacements(titled: Placed, declare: (newCluster: () => Cluster) => void): void {
  const { title, everywhere } = typeof titled === 'string' ? { title: titled } : titled;
  const kinds: WorldKind[] = [{ title: 'with partitions on one thread', placement: 'inline' }, ...HOSTED];
  declareFor(chosenPlacements(kinds, everywhere), title, declare);
}

/** As `describePlacements`, where the tests make no sense on virtual time. */
export function describeHosted(titled: Placed, declare: (newCluster: () => Cluster) => void): void {
  const { title, everywhere } = typeof titled === 'string' ? { title: titled } : titled;
  declareFor(chosenPlacements(HOSTED, everywhere), title, declare);
}

/**
 * As `describePlacements`, for what goes between processes and to which partitions elsewhere make no difference: in real time a runtime has
 * one only where its test asks for it by its options.
 */
export function describeLinked(title: string, declare: (newCluster: () => Cluster) => void): void {
  declareFor(chosenPlacements(LINKED), title, declare);
}

function declareFor(kinds: readonly WorldKind[], title: string, declare: (newCluster: () => Cluster) => void): void {
  describe(title, () => {
    for (const kind of kinds) {
      describeWorld(kind, () => declare(() => new Cluster({}, kind.placement, kind.partitions)));
    }
    closeAfterEach();
  });
}

function describeWorld({ title, placement }: WorldKind, declare: () => void): void {
  describe(title, function () {
    if (placement !== 'inline') this.timeout(120_000);
    declare();
  });
}

async function open(kind: WorldKind, options?: RuntimeOptions): Promise<World> {
  const { placement, partitions, hasControlElsewhere } = kind;
  const cluster = new Cluster({}, placement, partitions);
  const control = hasControlElsewhere === true ? await cluster.start() : undefined;
  const runtime = await cluster.start(options);
  return { cluster, control: control ?? runtime, runtime };
}

/** After each test everything is stopped, and nothing may be left of it; what a cluster of a test that fails, or leaves something, has logged is shown. */
export function closeAfterEach(): void {
  afterEach(async function () {
    const left: unknown[] = [];
    for (const cluster of clusters) {
      const leaving = await cluster.tidy().then(
        () => [],
        (error: unknown) => [error],
      );
      left.push(...leaving);
      if (this.currentTest?.state === 'failed' || leaving.length > 0) showLog(cluster);
    }
    for (const error of left) throw error;
  });
}

function showLog({ seed, log }: Cluster): void {
  console.error(`      seed ${seed}; log:`);
  for (const { level, message, fields } of log) {
    if (level !== 'debug') console.error(`        ${level} ${message} ${JSON.stringify(fields)}`);
  }
}

/** Runs one of the flow pipelines; what its segments do is on the board. */
export async function startFlow(
  runtime: Runtime,
  flow: Pipeline<FlowArgs>,
  args: Omit<FlowArgs, 'run' | 'boards'>,
  options: { readonly board?: (board: Board) => void; readonly name?: string } & Omit<
    RunOptions<FlowArgs>,
    'args'
  > = {},
): Promise<{ readonly run: PipelineRun; readonly board: Board }> {
  const { board: prepare, name: given, ...rest } = options;
  const { board, run: name } = newBoard(given);
  prepare?.(board);
  const boards = [...clusters].find(({ started }) => started.includes(runtime))?.boards;
  const run = await runtime.run(flow, { args: { run: name, boards, ...args }, ...rest });
  return { run, board };
}
