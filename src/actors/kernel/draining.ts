import { ConfigError } from '../../errors.js';
import { shownValue } from '../../foreign.js';
import { limits } from '../../limits.js';
import { type AcceptedOptions, checkOptions } from '../../options/index.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';

/** How an actor is stopped. */
export interface StopActorOptions {
  /**
   * The actor takes no new messages, handles what it has accepted, and then stops, after its children have done the same. `true`: within 10 s
   * (`drainTimeoutMs`); what is left after `timeoutMs` is cut off, as by a stop without `drain`. Default false: the actor stops after the
   * message that it handles.
   *
   *     await runtime.stopActor(ref, { drain: { timeoutMs: 2_000 } });
   */
  readonly drain?: boolean | { readonly timeoutMs: number } | undefined;
}

const DRAIN = 'true, false, or { timeoutMs: a positive finite number of milliseconds }';
const STOP_ACTOR: AcceptedOptions = { drain: { what: DRAIN, is: isDrain } };

function isDrain(value: unknown): boolean {
  if (typeof value === 'boolean') return true;
  return typeof value === 'object' && value !== null && 'timeoutMs' in value;
}

/** The time in ms that the actor has for what it has accepted; undefined: none. Throws ConfigError for a wrong option; `call` names who got it. */
export function drainMsOf(call: string, options: StopActorOptions | undefined): number | undefined {
  checkOptions(call, options, STOP_ACTOR);
  const { drain = false } = options ?? {};
  if (typeof drain === 'boolean') return drain ? limits.drainTimeoutMs : undefined;
  const { timeoutMs } = drain;
  if (typeof timeoutMs === 'number' && timeoutMs > 0 && timeoutMs < Number.POSITIVE_INFINITY) return timeoutMs;
  throw new ConfigError(`The option drain of ${call} accepts ${DRAIN}, not timeoutMs: ${shownValue(timeoutMs)}.`);
}

/** An actor finishes its work, and then stops: until when, and who is told that some of it is done. */
export class Draining {
  readonly untilMs: number;
  readonly #scheduler: Scheduler;
  readonly #timer: Timer;
  /** Some of the work has ended outside a turn of the actor. */
  readonly progressed: () => void;

  constructor(scheduler: Scheduler, timeoutMs: number, progressed: () => void, isLate: () => void) {
    this.untilMs = scheduler.now() + timeoutMs;
    this.#scheduler = scheduler;
    this.progressed = progressed;
    this.#timer = scheduler.setTimer(timeoutMs, isLate);
  }

  end(): void {
    this.#scheduler.clearTimer(this.#timer);
  }
}
