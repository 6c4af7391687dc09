import { CircuitOpenError, RefusedError } from '../../errors.js';
import { errorOf } from '../../foreign.js';
import { accepted, type AcceptedOptions, checkOptions } from '../../options/index.js';
import type { AnyMethod } from '../../protocol/index.js';
import { type AskOptions, type AskTarget, type CallServices, type Wrappable, wrapAsksKey } from '../kernel/index.js';
import { admitted, type Circuit, type CircuitPlan, CLOSED, type Result, settled } from './circuit.js';
import { isFailureOfActor } from './outcome.js';
import { checkWrappable } from './wrappable.js';

/** A change of a circuit breaker's state. */
export interface CircuitChange {
  readonly from: Circuit['state'];
  readonly to: Circuit['state'];
  /** The failure that has opened it. */
  readonly error: Error | undefined;
}

export interface CircuitBreakerOptions {
  /** Failures in succession after which no ask is let through. Default 5. */
  readonly failures?: number | undefined;
  /** Time in ms for which none is let through then. Default 10 000. */
  readonly openMs?: number | undefined;
  /** After that time, asks that are let through at a time to try the actor, and successes after which all are. Default 1. */
  readonly probes?: number | undefined;
  /**
   * Whether an error counts as a failure. Default: AskTimeoutError, BackpressureError, HandlerError, StoppedError and UnreachableError. A refusal is an
   * answer, and counts as a success. What it throws is logged, and the error counts as a failure.
   */
  readonly failOn?: ((error: Error) => boolean) | undefined;
  /** Called after each change of the state. What it throws is logged, and changes nothing. */
  readonly onChange?: ((change: CircuitChange) => void) | undefined;
}

const WHOLE = {
  what: 'a whole number, at least 1',
  is: (value: unknown) => Number.isInteger(value) && Number(value) >= 1,
};
const BREAKER: AcceptedOptions = {
  failures: WHOLE,
  openMs: {
    what: 'a positive finite number of milliseconds',
    is: (value) => typeof value === 'number' && value > 0 && value < Number.POSITIVE_INFINITY,
  },
  probes: WHOLE,
  failOn: accepted.callback,
  onChange: accepted.callback,
};

/**
 * The same reference, of an actor or a group, that stops asking while its asks fail: they fail at once with CircuitOpenError then, so that callers do
 * not wait for an actor that does not answer, and the actor is not asked for more than it can do. All asks of the reference share one state, so make it once.
 * Tells and streams are not counted and not refused. Throws ConfigError for a wrong option.
 *
 *     const pricing = retrying(circuitBreaker(ref, { failures: 5, openMs: 2_000 }));
 */
export function circuitBreaker<Target extends Wrappable>(target: Target, options?: CircuitBreakerOptions): Target;
export function circuitBreaker(target: Wrappable, options: CircuitBreakerOptions = {}): object {
  checkWrappable('circuitBreaker', target);
  checkOptions('circuitBreaker', options, BREAKER);
  return target[wrapAsksKey]((inner, services) => {
    const breaker = new Breaker(inner, services, options);
    return (method, message, given) => breaker.ask(method, message, given);
  });
}

class Breaker {
  readonly #target: AskTarget;
  readonly #services: CallServices;
  readonly #plan: CircuitPlan;
  readonly #failOn: (error: Error) => boolean;
  readonly #onChange: ((change: CircuitChange) => void) | undefined;
  #circuit: Circuit = CLOSED;

  constructor(target: AskTarget, services: CallServices, options: CircuitBreakerOptions) {
    const { failures = 5, openMs = 10_000, probes = 1, failOn = isFailureOfActor, onChange } = options;
    this.#target = target;
    this.#services = services;
    this.#plan = { failures, openMs, probes };
    this.#failOn = failOn;
    this.#onChange = onChange;
  }

  async ask(method: AnyMethod, message: unknown, options: AskOptions | undefined): Promise<unknown> {
    const { circuit, refusedForMs } = admitted(this.#circuit, this.#services.now(), this.#plan);
    if (refusedForMs !== undefined) return this.#services.asks.refuse(this.#refusal(method, refusedForMs));
    this.#change(circuit, undefined);
    const { generation } = circuit;
    try {
      const reply = await this.#target.ask(method, message, options);
      this.#settled(generation, 'success', undefined);
      return reply;
    } catch (caught) {
      const error = errorOf(caught);
      this.#settled(generation, this.#resultOf(error), error);
      throw error;
    }
  }

  #resultOf(error: Error): Result {
    if (this.#isFailure(error)) return 'failure';
    return error instanceof RefusedError ? 'success' : 'neither';
  }

  #settled(generation: number, result: Result, error: Error | undefined): void {
    this.#change(settled(this.#circuit, generation, result, this.#services.now(), this.#plan), error);
  }

  #change(circuit: Circuit, error: Error | undefined): void {
    const from = this.#circuit.state;
    this.#circuit = circuit;
    if (from !== circuit.state) {
      this.#tell({ from, to: circuit.state, error: circuit.state === 'open' ? error : undefined });
    }
  }

  #isFailure(error: Error): boolean {
    try {
      return this.#failOn(error);
    } catch (thrown) {
      this.#services.log.error('failOn of a circuit breaker threw', { target: this.#target.name, error: thrown });
      return true;
    }
  }

  #tell(change: CircuitChange): void {
    try {
      this.#onChange?.(change);
    } catch (thrown) {
      this.#services.log.error('onChange of a circuit breaker threw', { target: this.#target.name, error: thrown });
    }
  }

  #refusal({ fullName }: AnyMethod, retryAfterMs: number): CircuitOpenError {
    const { name } = this.#target;
    const why =
      this.#circuit.state === 'half-open'
        ? 'other asks are trying whether it answers again'
        : `its last asks have failed, and the next one is let through in ${Math.ceil(retryAfterMs)} ms`;
    return new CircuitOpenError(`${fullName} is not asked of ${name}: ${why}.`, { retryAfterMs });
  }
}
