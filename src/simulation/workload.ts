import type { RuntimeOptions } from '../actors/runtime/index.js';
import { ConfigError } from '../errors.js';
import type { World } from './world.js';

/** The smallest and the largest of a size. Shrinking goes towards the smallest. */
export type SizeRange = readonly [smallest: number, largest: number];

/** Which faults a workload is to survive; what it does not name never happens to it. */
export interface FaultRange {
  /** Latency and jitter of frames, at most, in ms. Default 5 and 10. */
  readonly latencyMs?: number;
  readonly jitterMs?: number;
  /** Chances of a frame, at most. Default 0. */
  readonly loss?: number;
  readonly duplicate?: number;
  readonly reorder?: number;
  /** Crashes of nodes, at most, each followed by a restart. Default 0. */
  readonly crashes?: number;
  /** Times that some nodes are cut off from the others, at most. Default 0. */
  readonly cuts?: number;
  /** Node 0 serves the control plane. It may crash and be cut off from all others, too. Default false. */
  readonly controlPlane?: boolean;
}

export interface WorkloadOptions {
  /** Sizes of the work, and `nodes`; each run draws its own. Without `nodes` there are 3. */
  readonly sizes?: Readonly<Record<string, SizeRange>>;
  readonly faults?: FaultRange;
  /** Faults happen within this time, in ms; then all is healed. Default 3 000. */
  readonly faultMs?: number;
  /** Once all is healed, everything settles within this time, in ms. Default 60 000. */
  readonly settleMs?: number;
  /** Options of each node's runtime, for the sizes that a run has drawn. */
  readonly runtime?: (
    sizes: Readonly<Record<string, number>>,
  ) => Omit<RuntimeOptions, 'node' | 'name' | 'controlPlane'>;
  /** Drives the work, and resolves when it is done. Whatever it throws, or a node's start throws, is a violation. */
  readonly run: (world: World) => Promise<void>;
}

/** Work that is done under faults, and what has to hold of it. */
export interface Workload {
  readonly name: string;
  readonly sizes: Readonly<Record<string, SizeRange>>;
  readonly faults: Required<FaultRange>;
  readonly faultMs: number;
  readonly settleMs: number;
  readonly runtime: NonNullable<WorkloadOptions['runtime']>;
  readonly run: (world: World) => Promise<void>;
}

/** Symbol that marks a workload, so that another copy of the package knows it, too. */
const MARK: unique symbol = Symbol.for('millrace.workload');

/**
 * Declares a workload, which a module exports as its default for `millrace sim`. ConfigError for options that make no sense.
 *
 *     export default workload('greetings', {
 *       sizes: { nodes: [2, 3], greetings: [1, 20] },
 *       faults: { loss: 0.05, crashes: 1 },
 *       async run(world) {
 *         const [first, second] = world.nodes;
 *         ...
 *       },
 *     });
 */
export function workload(name: string, options: WorkloadOptions): Workload {
  const { sizes = {}, faults = {}, faultMs = 3_000, settleMs = 60_000, runtime = () => ({}), run } = options;
  for (const [size, [smallest, largest]] of Object.entries(sizes)) {
    if (!Number.isInteger(smallest) || !Number.isInteger(largest) || smallest < 0 || largest < smallest) {
      throw new ConfigError(
        `Size ${size} of workload "${name}" is [smallest, largest], two whole numbers from 0; got [${smallest}, ${largest}].`,
      );
    }
  }
  const workload: Workload = {
    name,
    sizes: { nodes: [3, 3], ...sizes },
    faults: {
      latencyMs: 5,
      jitterMs: 10,
      loss: 0,
      duplicate: 0,
      reorder: 0,
      crashes: 0,
      cuts: 0,
      controlPlane: false,
      ...faults,
    },
    faultMs,
    settleMs,
    runtime,
    run,
  };
  Object.defineProperty(workload, MARK, { value: true });
  return workload;
}

export function isWorkload(value: unknown): value is Workload {
  return typeof value === 'object' && value !== null && MARK in value;
}
