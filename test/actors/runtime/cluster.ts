import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  Executor,
  type ExecutorOptions,
  type Placement,
  type Runtime,
  type RuntimeOptions,
} from '#src/actors/runtime/index.js';
import { type LogRecord, memoryLogger } from '#src/logging/index.js';
import { eventually, until as untilTurn } from '../../support/until.js';
import { childrenOf } from './hosting/processes.js';
import { BoardServer } from './pipelines/remote-board.js';

/**
 * The processes of a test: virtual ones on one pseudo-network and on virtual time, where partitions share the thread of the test; or, with
 * another placement, in real time, with the first partition of each on that thread, and the others on threads or in processes of their own.
 */
export class Cluster {
  readonly executor: Executor;
  readonly placement: Placement;
  readonly seed: number;
  readonly log: readonly LogRecord[];
  readonly started: Runtime[] = [];
  /** Several tests use it: its first runtime goes on after each, and it is closed behind the last. */
  isShared = false;
  readonly #partitions: number;
  readonly #ground: Ground | undefined;

  /** `partitions`: how many the first process has, of which all but one are elsewhere. */
  constructor(options: ExecutorOptions = {}, placement: Placement = 'inline', partitions = 2) {
    const log = memoryLogger();
    this.placement = placement;
    this.#partitions = partitions;
    this.seed = options.seed ?? 7;
    this.log = log.records;
    this.#ground = placement === 'inline' ? undefined : new Ground();
    this.executor = new Executor(
      this.#ground === undefined
        ? { latencyMs: 1, log, ...options, seed: this.seed }
        : { log, net: { socketFolder: this.#ground.folder } },
    );
    clusters.add(this);
  }

  /** Waits take no time, and none is longer than it says. */
  get isVirtual(): boolean {
    return this.executor.scheduler.isVirtual;
  }

  /** Where segments that are not on this thread find the boards of the test. */
  get boards(): string | undefined {
    return this.#ground?.boards.path;
  }

  /**
   * The first that is started serves the control plane; the others join it. With a placement the first has a hosted partition unless
   * `partitions` is 1, and so has any other of two partitions.
   */
  async start(options: RuntimeOptions = {}): Promise<Runtime> {
    const [first] = this.started;
    const name = `process-${this.started.length}`;
    const join = first === undefined ? {} : { controlPlane: first.controlPlane };
    const partitions = first === undefined ? this.#partitions : 1;
    const hosting = this.isVirtual ? {} : { placement: this.placement, system: { partitions } };
    const place = { node: `node-${this.started.length}`, name };
    // Other threads and processes answer late on a busy machine.
    const patient = this.isVirtual ? {} : { kernelLimits: { askTimeoutMs: 30_000, ...options.kernelLimits } };
    const runtime = await this.executor.start({ ...place, ...join, ...hosting, ...options, ...patient });
    this.started.push(runtime);
    return runtime;
  }

  /** Lets time pass. */
  pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.executor.scheduler.setTimer(ms, resolve));
  }

  /** As many as virtual time makes cheap, or as few as show the same in real time. */
  many(virtual: number, real: number): number {
    return this.isVirtual ? virtual : real;
  }

  /** Nothing takes longer than it must on virtual time; in real time the machine has a say. */
  expectPassed(ms: number, atLeastMs: number, atMostMs: number): void {
    expect(ms).to.be.within(atLeastMs, this.isVirtual ? atMostMs : Number.POSITIVE_INFINITY);
  }

  /** Behind a test: nothing is left, but for the first runtime where that is shared. */
  async tidy(): Promise<void> {
    if (!this.isShared) return this.close();
    for (const runtime of this.started.splice(1).toReversed()) await runtime.stop();
    expect(this.started[0]?.metrics().pipelines.running ?? 0, 'pipelines that were left').to.equal(0);
  }

  /** Stops everything, and expects that nothing is left. `ignoresTimers`: the test itself has set some that have not come due. */
  async close({ ignoresTimers = false } = {}): Promise<void> {
    const { executor, started } = this;
    clusters.delete(this);
    for (const runtime of started.toReversed()) await runtime.stop();
    const left = () => ({
      ...executor.network.statistics,
      pendingTimers: ignoresTimers ? 0 : executor.scheduler.pendingTimers,
      leftovers: executor.started.map((runtime) => runtime.leftovers),
    });
    const nothing = {
      processes: 0,
      openLinks: 0,
      framesInFlight: 0,
      bytesInFlight: 0,
      timers: 0,
      pendingTimers: 0,
      leftovers: executor.started.map(() => NOTHING_LEFT),
    };
    try {
      await until(() => left().pendingTimers === 0 && left().openLinks === 0).catch(() => {});
      expect(left(), `left with seed ${this.seed}`).to.deep.equal(nothing);
    } finally {
      await executor.stop();
      await this.#ground?.close();
    }
  }
}

/** Clusters that were made, and not closed yet. */
export const clusters = new Set<Cluster>();

export const NOTHING_LEFT = {
  actors: 0,
  pendingAsks: 0,
  openStreams: 0,
  links: 0,
  linkAsks: 0,
  mailboxBytes: 0,
};

/** What hosted partitions share with their test. */
class Ground {
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  readonly boards = new BoardServer(join(this.folder, 'boards'));

  async close(): Promise<void> {
    await this.boards.close();
    // Those of a test end together.
    if (clusters.size === 0) expect(childrenOf(process.pid), 'processes that were left').to.deep.equal([]);
    expect(readdirSync(this.folder), 'files that were left').to.deep.equal([]);
    rmSync(this.folder, { recursive: true });
  }
}

/**
 * Waits until `isTrue`; fails after a while of real time. On virtual time it looks at each turn of the event loop; where others run, it
 * leaves the processor to them.
 */
export function until(isTrue: () => boolean): Promise<void> {
  return [...clusters].some(({ isVirtual }) => !isVirtual) ? eventually(isTrue) : untilTurn(isTrue);
}
