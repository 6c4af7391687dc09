import type { RuntimeOptions } from '../actors/runtime/index.js';
import { ConfigError } from '../errors.js';
import { hasMark } from '../foreign.js';
import type { World } from './world.js';

/** The smallest and the largest value of a size. Shrinking moves towards the smallest. */
export type SizeRange = readonly [smallest: number, largest: number];

/** The faults that a workload must survive. Faults that it does not name do not happen. */
export interface FaultRange {
  /** Most latency and jitter of frames, in ms. Default 5 and 10. */
  readonly latencyMs?: number;
  readonly jitterMs?: number;
  /** Highest probabilities that a frame is lost, duplicated, reordered. Default 0. */
  readonly loss?: number;
  readonly duplicate?: number;
  readonly reorder?: number;
  /** Most crashes of nodes, each followed by a restart. Default 0. */
  readonly crashes?: number;
  /** Most network partitions between some nodes and the others. Default 0. */
  readonly cuts?: number;
  /** Most cuts of one direction: what some nodes send does not reach the others, which reach them. Default 0. */
  readonly oneWayCuts?: number;
  /** True: node 0, which serves the control plane, may crash and be cut off too. Default false. */
  readonly controlPlane?: boolean;
}

export interface WorkloadOptions {
  /** Ranges of the sizes of the work, and of `nodes`. Each run draws its values. Default of `nodes`: 3. */
  readonly sizes?: Readonly<Record<string, SizeRange>>;
  readonly faults?: FaultRange;
  /** Faults happen within this time, in ms; then all faults are healed. Default 3 000. */
  readonly faultMs?: number;
  /** After all faults are healed, everything must settle within this time, in ms. Default 60 000. */
  readonly settleMs?: number;
  /** Options of the runtime of a node, for the drawn sizes. */
  readonly runtime?: (
    sizes: Readonly<Record<string, number>>,
    node: string,
  ) => Omit<RuntimeOptions, 'node' | 'name' | 'controlPlane'>;
  /** Runs the work, and resolves when it is done. An error, also of an `everyStart` callback, is a violation. */
  readonly run: (world: World) => Promise<void>;
}

/** Work that runs under faults. Made by `workload`. */
export interface Workload {
  readonly name: string;
  readonly sizes: Readonly<Record<string, SizeRange>>;
  readonly faults: Required<FaultRange>;
  readonly faultMs: number;
  readonly settleMs: number;
  readonly runtime: NonNullable<WorkloadOptions['runtime']>;
  readonly run: (world: World) => Promise<void>;
}

/** Brand of a workload. A registered symbol, so that another copy of the package recognizes it too. */
const BRAND: unique symbol = Symbol.for('millrace.workload');

/**
 * Declares a workload. A module exports it as its default for `millrace sim`. Throws ConfigError for options out of range.
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
        `Size ${size} of workload "${name}" must be [smallest, largest], two whole numbers, 0 or more; got [${smallest}, ${largest}].`,
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
      oneWayCuts: 0,
      controlPlane: false,
      ...faults,
    },
    faultMs,
    settleMs,
    runtime,
    run,
  };
  Object.defineProperty(workload, BRAND, { value: true });
  return workload;
}

export function isWorkload(value: unknown): value is Workload {
  return hasMark(value, BRAND);
}
