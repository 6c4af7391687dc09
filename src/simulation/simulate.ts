import { crc32 } from 'node:zlib';
import { Simulation } from './simulation.js';
import type { Plan } from './plan.js';
import type { Violation } from './violation.js';
import type { Workload } from './workload.js';

export interface SimulateOptions {
  /** Gets a line for each thing that happens: frames, messages, faults. */
  readonly trace?: (line: string) => void;
  /** The outcome has a hash of all those lines. */
  readonly isHashed?: boolean;
}

/** How a run ended. */
export interface Outcome {
  /** None: it ended well. */
  readonly violations: readonly Violation[];
  /** Virtual time that it took. */
  readonly ms: number;
  /** Messages that were observed. */
  readonly messages: number;
  /** Equal for equal runs; undefined unless it was asked for. */
  readonly traceHash: number | undefined;
}

/** Runs a workload once, as the plan says: the same each time. */
export async function simulate(workload: Workload, plan: Plan, options: SimulateOptions = {}): Promise<Outcome> {
  let traceHash = 0;
  const { trace, isHashed = false } = options;
  const record =
    trace === undefined && !isHashed
      ? undefined
      : (line: string): void => {
          trace?.(line);
          if (isHashed) traceHash = crc32(line, traceHash);
        };
  const simulation = new Simulation(workload, plan, record);
  await simulation.run();
  const { violations, messages, nowMs } = simulation;
  return { violations, ms: nowMs, messages, traceHash: isHashed ? traceHash : undefined };
}
