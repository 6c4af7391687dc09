import type { UntypedRef } from '../../kernel/index.js';

/** A container that has been placed. */
export interface PlacedContainer {
  readonly ref: UntypedRef;
  /** Of its partition. */
  readonly ordinal: number;
}

/**
 * The states of a container in its pool:
 *
 *     starting ---------> idle --acquired--> busy --released--> idle
 *        |                  |                  |
 *        |                  |                  +--its answer is not known--> checking --probed--> idle
 *        |                  |                  |                                |
 *        +------------------+------------------+--------------------------------+--> gone: stopped, lost, or wedged and replaced
 *
 * `isRetiring`: it gets no further request, and is stopped as soon as it has none.
 */
export type ContainerState = 'starting' | 'idle' | 'busy' | 'checking';

export interface PooledContainer {
  state: ContainerState;
  isRetiring: boolean;
  /** Its partition does not answer now: it is used last. */
  isSilent: boolean;
  /** Undefined until it has started. */
  placed: PlacedContainer | undefined;
  /** Aborted when it is given up before it has started. */
  readonly start: AbortController;
  /** Scheduler time of its last change of state. */
  sinceMs: number;
  /** Scheduler time of its start. */
  readonly startedMs: number;
  /** Requests that it has got. */
  handled: number;
  /** The request that it has, and the scheduler time at which that must have ended. */
  lease: { readonly key: string; readonly untilMs: number } | undefined;
}

export function newContainer(nowMs: number): PooledContainer {
  return {
    state: 'starting',
    isRetiring: false,
    isSilent: false,
    placed: undefined,
    start: new AbortController(),
    sinceMs: nowMs,
    startedMs: nowMs,
    handled: 0,
    lease: undefined,
  };
}

export function enter(container: PooledContainer, state: ContainerState, nowMs: number): void {
  container.state = state;
  container.sinceMs = nowMs;
}

const EMPTIEST: readonly ContainerState[] = ['idle', 'starting', 'checking', 'busy'];

/** Those that are stopped first: idle ones, the longest idle first. */
export function emptiestFirst(containers: Iterable<PooledContainer>): PooledContainer[] {
  const rank = ({ state }: PooledContainer): number => EMPTIEST.indexOf(state);
  return [...containers].sort((one, other) => rank(one) - rank(other) || one.sinceMs - other.sinceMs);
}
