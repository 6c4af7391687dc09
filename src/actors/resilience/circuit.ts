/**
 * The state of a circuit breaker. Its changes are pure functions.
 *
 *     closed --so many failures in succession--> open --openMs--> half-open --so many successes--> closed
 *                                                 ^                   |
 *                                                 '-----a failure-----'
 *
 * While it is half-open, at most `probes` asks are let through at a time. Each change begins a generation: the result of an ask of an
 * earlier one says nothing about now, and is ignored.
 */
export type Circuit = { readonly generation: number } & (
  | { readonly state: 'closed'; readonly failures: number }
  | { readonly state: 'open'; readonly untilMs: number }
  | { readonly state: 'half-open'; readonly pending: number; readonly successes: number }
);

export interface CircuitPlan {
  /** Failures in succession that open it. */
  readonly failures: number;
  readonly openMs: number;
  /** Asks that are let through at a time while it is half-open, and successes that close it. */
  readonly probes: number;
}

/** `neither`: the result says nothing about the actor. */
export type Result = 'success' | 'failure' | 'neither';

export const CLOSED: Circuit = { generation: 0, state: 'closed', failures: 0 };

/** An ask wants to be made. It may when `refusedForMs` is undefined; else it may be again after that time. */
export function admitted(
  circuit: Circuit,
  nowMs: number,
  plan: CircuitPlan,
): { readonly circuit: Circuit; readonly refusedForMs: number | undefined } {
  const { generation } = circuit;
  switch (circuit.state) {
    case 'closed':
      return { circuit, refusedForMs: undefined };
    case 'open':
      if (nowMs < circuit.untilMs) return { circuit, refusedForMs: circuit.untilMs - nowMs };
      return {
        circuit: { generation: generation + 1, state: 'half-open', pending: 1, successes: 0 },
        refusedForMs: undefined,
      };
    case 'half-open':
      // It is open for so long again if a probe fails.
      if (circuit.pending >= plan.probes) return { circuit, refusedForMs: plan.openMs };
      return { circuit: { ...circuit, pending: circuit.pending + 1 }, refusedForMs: undefined };
  }
}

/** An ask that was admitted in `generation` has ended. */
export function settled(
  circuit: Circuit,
  generation: number,
  result: Result,
  nowMs: number,
  plan: CircuitPlan,
): Circuit {
  if (circuit.generation !== generation) return circuit;
  const next = generation + 1;
  const open: Circuit = { generation: next, state: 'open', untilMs: nowMs + plan.openMs };
  switch (circuit.state) {
    case 'open':
      return circuit;
    case 'closed': {
      if (result === 'neither') return circuit;
      const failures = result === 'failure' ? circuit.failures + 1 : 0;
      return failures >= plan.failures ? open : { ...circuit, failures };
    }
    case 'half-open': {
      if (result === 'failure') return open;
      const successes = circuit.successes + (result === 'success' ? 1 : 0);
      if (successes >= plan.probes) return { generation: next, state: 'closed', failures: 0 };
      return { ...circuit, pending: circuit.pending - 1, successes };
    }
  }
}
