import { crc32 } from 'node:zlib';
import { Simulation } from './simulation.js';
import type { Plan } from './plan.js';
import type { Violation } from './violation.js';
import type { Workload } from './workload.js';

export interface SimulateOptions {
  /** Receives one line per event: frames, messages, faults. */
  readonly trace?: (line: string) => void;
  /** The outcome contains a hash of all these lines. */
  readonly isHashed?: boolean;
}

/** The result of a run. */
export interface Outcome {
  /** Empty: the run has succeeded. */
  readonly violations: readonly Violation[];
  /** Virtual duration of the run. */
  readonly ms: number;
  /** Number of observed messages. */
  readonly messages: number;
  /** Equal for equal runs. Undefined unless `isHashed`. */
  readonly traceHash: number | undefined;
}

/** Runs a workload once by a plan. Every run of the same plan is the same. */
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
