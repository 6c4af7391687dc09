import { ConfigError } from '../../errors.js';
import { messageOf } from '../../foreign.js';
import { accepted, type AcceptedOptions, checkOptions } from './given-options.js';

/**
 * What becomes of an actor whose handler, timer or hook failed. The failing message is never handled again.
 *
 * - `resume`: goes on with its state as it is.
 * - `restart`: its children and timers end, `on.stopping` runs, then it begins anew with fresh state; its mailbox stays.
 * - `stop`: ends; those who watch it are told.
 * - `escalate`: ends, and its parent fails with the same error. Without a parent it is a failure of the system.
 */
export type Directive = 'stop' | 'restart' | 'resume' | 'escalate';

/** How an actor's own failures are treated. A directive alone stands for `{ onFailure: directive }`. */
export type Supervision = Directive | SupervisionPolicy;

export interface SupervisionPolicy {
  /** Default `restart`. */
  readonly onFailure?: Directive | ((error: Error) => Directive);
  /** Restarts within `windowMs` before a failure escalates instead. Default 10. */
  readonly maxRestarts?: number;
  /** Default 60 000. */
  readonly windowMs?: number;
  /**
   * Wait before a restart: none before the first in the window, then `minMs`, doubled each time up to `maxMs`, and a random
   * half of it taken off. Default 10 ms and 1 000 ms.
   */
  readonly backoff?: { readonly minMs: number; readonly maxMs: number };
}

/** A policy with everything filled in. */
export interface Supervisor {
  readonly onFailure: Directive | ((error: Error) => Directive);
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

/** ConfigError for an unknown directive or a number that is not one. */
export function supervisor(supervision: Supervision | undefined): Supervisor {
  const policy: SupervisionPolicy = typeof supervision === 'string' ? { onFailure: supervision } : (supervision ?? {});
  checkOptions('supervision', policy, POLICY);
  checkOptions('supervision.backoff', policy.backoff, BACKOFF);
  const { onFailure = 'restart', maxRestarts, windowMs, backoff = DEFAULT_BACKOFF } = policy;
  if (typeof onFailure !== 'function' && !DIRECTIVES.includes(onFailure)) {
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

/** What a policy decided. */
export type Verdict =
  | { readonly directive: 'resume' | 'stop' | 'escalate' }
  | { readonly directive: 'restart'; readonly delayMs: number };

/** The restarts that one actor had lately. */
export class RestartHistory {
  private timesMs: number[] = [];

  /** `maxRestarts` and `windowMs` stand in where the policy says nothing. A policy function that throws escalates. */
  judge(
    policy: Supervisor,
    error: Error,
    nowMs: number,
    random: () => number,
    defaults: { readonly maxRestarts: number; readonly windowMs: number },
  ): Verdict {
    const directive = directiveFor(policy, error);
    if (directive !== 'restart') return { directive };
    const windowMs = policy.windowMs ?? defaults.windowMs;
    this.timesMs = this.timesMs.filter((timeMs) => nowMs - timeMs < windowMs);
    const earlier = this.timesMs.length;
    if (earlier >= (policy.maxRestarts ?? defaults.maxRestarts)) return { directive: 'escalate' };
    this.timesMs.push(nowMs);
    const { minMs, maxMs } = policy.backoff;
    const delayMs = earlier === 0 ? 0 : Math.min(maxMs, minMs * 2 ** (earlier - 1)) * (1 - random() / 2);
    return { directive, delayMs };
  }
}

function directiveFor(policy: Supervisor, error: Error): Directive {
  if (typeof policy.onFailure !== 'function') return policy.onFailure;
  try {
    const directive = policy.onFailure(error);
    return DIRECTIVES.includes(directive) ? directive : 'escalate';
  } catch {
    return 'escalate';
  }
}
