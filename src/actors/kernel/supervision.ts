import { ConfigError } from '../../errors.js';
import { messageOf } from '../../foreign.js';
import { accepted, type AcceptedOptions, checkOptions } from '../../options/index.js';

/**
 * What happens to an actor whose handler, timer or hook failed. The failed message is never handled again.
 *
 * - `resume`: the actor continues with its state.
 * - `restart`: its children and timers end, `on.stopping` runs, then it starts with a new state; it keeps its mailbox.
 * - `stop`: the actor stops; its watchers are notified.
 * - `escalate`: the actor stops, and its parent fails with the same error. For a root actor, it is a failure of the system.
 */
export type Directive = 'stop' | 'restart' | 'resume' | 'escalate';

/** How failures of an actor are handled. A directive alone means `{ onFailure: directive }`. */
export type Supervision = Directive | SupervisionPolicy;

export interface SupervisionPolicy {
  /**
   * Default: `resume` when the failure concerns one message alone, and `restart` otherwise. It concerns one message alone when the handler of
   * an ask or a stream failed, because the caller gets the error, and when a handler, timer or hook did not catch how its own call of another
   * actor ended, such as HandlerError, AskTimeoutError or BackpressureError.
   */
  readonly onFailure?: Directive | ((error: Error) => Directive);
  /** Maximum number of restarts within `windowMs`; a further failure escalates instead. Default 10. */
  readonly maxRestarts?: number;
  /** Default 60 000. */
  readonly windowMs?: number;
  /**
   * Delay before a restart: `minMs` before the first in the window, doubled each time up to `maxMs`, and reduced randomly by up to a half.
   * Default 10 ms and 1 000 ms.
   */
  readonly backoff?: { readonly minMs: number; readonly maxMs: number };
}

/** A policy with its defaults filled in. */
export interface Supervisor {
  /** Undefined: as `SupervisionPolicy.onFailure` describes the default. */
  readonly onFailure: Directive | ((error: Error) => Directive) | undefined;
  readonly maxRestarts: number | undefined;
  readonly windowMs: number | undefined;
  readonly backoff: { readonly minMs: number; readonly maxMs: number };
}

const DIRECTIVES: readonly string[] = ['stop', 'restart', 'resume', 'escalate'];
const DEFAULT_BACKOFF = { minMs: 10, maxMs: 1_000 };

const POLICY: AcceptedOptions = {
  onFailure: accepted.anything,
  maxRestarts: accepted.number,
  windowMs: accepted.milliseconds,
  backoff: accepted.object,
};
const BACKOFF: AcceptedOptions = { minMs: accepted.milliseconds, maxMs: accepted.milliseconds };

/** Throws ConfigError for an unknown directive or an invalid number. */
export function supervisor(supervision: Supervision | undefined): Supervisor {
  const policy: SupervisionPolicy = typeof supervision === 'string' ? { onFailure: supervision } : (supervision ?? {});
  checkOptions('supervision', policy, POLICY);
  checkOptions('supervision.backoff', policy.backoff, BACKOFF);
  const { onFailure, maxRestarts, windowMs, backoff = DEFAULT_BACKOFF } = policy;
  if (onFailure !== undefined && typeof onFailure !== 'function' && !DIRECTIVES.includes(onFailure)) {
    throw new ConfigError(
      `supervision accepts ${DIRECTIVES.join(', ')} or a function that returns one, not ${messageOf(onFailure)}`,
    );
  }
  for (const [name, value] of Object.entries({ maxRestarts, windowMs, ...backoff })) {
    if (value !== undefined && !(value >= 0))
      throw new ConfigError(`supervision ${name} must be a number, at least 0, not ${value}`);
  }
  return { onFailure, maxRestarts, windowMs, backoff };
}

/** The decision of a policy. */
export type Verdict =
  | { readonly directive: 'resume' | 'stop' | 'escalate' }
  | { readonly directive: 'restart'; readonly delayMs: number };

/** A failure to decide on. */
export interface Fault {
  readonly error: Error;
  /** It concerns one message alone, and not the actor. */
  readonly isOfMessage: boolean;
}

/** The recent restarts of one actor. */
export class RestartHistory {
  #timesMs: number[] = [];

  /** `defaults` applies where the policy sets no value. A policy function that throws escalates. */
  judge(
    policy: Supervisor,
    fault: Fault,
    nowMs: number,
    random: () => number,
    defaults: { readonly maxRestarts: number; readonly windowMs: number },
  ): Verdict {
    const directive = directiveFor(policy, fault);
    if (directive !== 'restart') return { directive };
    const windowMs = policy.windowMs ?? defaults.windowMs;
    this.#timesMs = this.#timesMs.filter((timeMs) => nowMs - timeMs < windowMs);
    const earlier = this.#timesMs.length;
    if (earlier >= (policy.maxRestarts ?? defaults.maxRestarts)) return { directive: 'escalate' };
    this.#timesMs.push(nowMs);
    const { minMs, maxMs } = policy.backoff;
    const delayMs = Math.min(maxMs, minMs * 2 ** earlier) * (1 - random() / 2);
    return { directive, delayMs };
  }
}

function directiveFor(policy: Supervisor, { error, isOfMessage }: Fault): Directive {
  if (policy.onFailure === undefined) return isOfMessage ? 'resume' : 'restart';
  if (typeof policy.onFailure !== 'function') return policy.onFailure;
  try {
    const directive = policy.onFailure(error);
    return DIRECTIVES.includes(directive) ? directive : 'escalate';
  } catch {
    return 'escalate';
  }
}
