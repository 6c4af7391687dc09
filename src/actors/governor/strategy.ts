import { namedMessageOf, shownValue } from '../../foreign.js';
import type { Logger } from '../../logging/index.js';

/** A pool at one moment, as a strategy sees it. */
export interface PoolObservation {
  /** Monotonic. */
  readonly nowMs: number;
  /** Containers that it should have; those of them that do not run yet; those that have a request. */
  readonly containers: number;
  readonly starting: number;
  readonly busy: number;
  /** Requests that wait, and the age of the oldest in ms. */
  readonly waiting: number;
  readonly oldestWaitMs: number;
  /** Requests since its start. */
  readonly arrived: number;
  /** Measured times in ms of a start and of a request; 0 before the first. */
  readonly startMs: number;
  readonly serviceMs: number;
  /**
   * Part of the time, 0 to 1, that the event loops of its containers have worked, measured each second; a container shares that of its partition. Undefined before it was
   * measured. On virtual time, which no loop spends, it is the share of containers that have a request.
   */
  readonly utilization: number | undefined;
}

/** Why a strategy is asked. `tick`: regularly. `overdue`: a request has waited for as long as it may. `changed`: anything else has happened in the pool. */
export interface ScalingEvent {
  readonly kind: 'tick' | 'overdue' | 'changed';
  readonly pool: PoolObservation;
}

export interface Decision<State> {
  readonly state: State;
  /** Containers that there should be, before limits: a whole number. */
  readonly containers: number;
  /** For `governor.explain()`. */
  readonly because: string;
}

/** How many containers a pool should have: a pure function of a state of its own and of what happens. */
export interface ScalingStrategy<State = unknown> {
  readonly name: string;
  readonly initial: State;
  /** A method, whose parameters are bivariant: a strategy of any state is a ScalingStrategy. */
  decide(state: State, event: ScalingEvent): Decision<State>;
}

/** A strategy with its state, for one pool. */
export type Scaler = (event: ScalingEvent) => Omit<Decision<unknown>, 'state'>;

/** Throws what the strategy throws, and TypeError for what is no decision; the state stays then. */
export function scalerOf<State>(strategy: ScalingStrategy<State>): Scaler {
  let state = strategy.initial;
  return (event) => {
    const decision = checkedDecision(strategy.decide(state, event));
    state = decision.state;
    return decision;
  };
}

/** Keeps the containers that there are where `scaler` throws. That is logged when one that has worked fails. */
export function guardedScaler(scaler: Scaler, component: string, log: Logger): Scaler {
  let hasFailed = false;
  return (event) => {
    try {
      const decision = scaler(event);
      hasFailed = false;
      return decision;
    } catch (caught) {
      const error = namedMessageOf(caught);
      if (!hasFailed)
        log.warn('a scaling strategy has failed, and its component keeps its containers', { component, error });
      hasFailed = true;
      return { containers: event.pool.containers, because: `the strategy has failed: ${error}` };
    }
  };
}

/** Also where the compiler has not looked. */
function checkedDecision<State>(decision: Decision<State>): Decision<State> {
  if (typeof decision !== 'object' || decision === null) {
    throw new TypeError(`decide must return { state, containers, because }, not ${shownValue(decision)}`);
  }
  const { containers, because } = decision;
  if (!Number.isSafeInteger(containers)) {
    throw new TypeError(`decide must return a whole number of containers, not ${shownValue(containers)}`);
  }
  if (typeof because !== 'string')
    throw new TypeError(`decide must return a text as because, not ${shownValue(because)}`);
  return decision;
}
