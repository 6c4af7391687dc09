import { AskAbortedError, ConfigError, StoppedError } from '../../errors.js';
import { errorOf, shownValue } from '../../foreign.js';
import { accepted, type AcceptedOptions, checkOptions } from '../../options/index.js';
import type { AnyMethod } from '../../protocol/index.js';
import {
  type AskOptions,
  type AskTarget,
  type CallServices,
  deadlineOfAsk,
  type Wrappable,
  type WrappedAsk,
  wrapAsksKey,
} from '../kernel/index.js';
import { BackOff, type BackOffOptions } from './back-off.js';
import { kindOf, retryAfterOf } from './outcome.js';
import { RetryBudget, type RetryBudgetOptions } from './retry-budget.js';
import { checkWrappable } from './wrappable.js';

/** The names of the asks of a reference. */
export type AskOf<Target> = Exclude<
  { [K in keyof Target]: Target[K] extends (...given: never[]) => Promise<unknown> ? K : never }[keyof Target],
  'ready' | symbol
>;

/** An ask that is about to be repeated. */
export interface Retry {
  /** `package.Service.Method`. */
  readonly method: string;
  /** Number of the attempt that has failed, from 1. */
  readonly attempt: number;
  readonly error: Error;
  /** The pause before the next attempt, in ms. */
  readonly delayMs: number;
}

export interface RetryOptions<Target> {
  /** The most attempts, the first included. Default 4. */
  readonly attempts?: number | undefined;
  /** Pauses between the attempts. */
  readonly backOff?: BackOffOptions | undefined;
  /** Time for the reply to one attempt in ms. Default: what is left of the time of the ask. */
  readonly attemptTimeoutMs?: number | undefined;
  /**
   * The asks that may be executed more than once: their names, or `true` for all. Default: those whose rpc has `option idempotency_level =
   * IDEMPOTENT` or `NO_SIDE_EFFECTS`. Any other is repeated only where no actor can have executed it.
   */
  readonly idempotent?: true | readonly AskOf<Target>[] | undefined;
  /** Whether to repeat after this error. It is called for errors after which the ask would be repeated. Default: always. */
  readonly retryOn?: ((error: Error, attempt: number) => boolean) | undefined;
  /** How many repeats all asks of this reference may make together. */
  readonly budget?: RetryBudgetOptions | undefined;
  /** Called before each pause. */
  readonly onRetry?: ((retry: Retry) => void) | undefined;
}

const RETRYING: AcceptedOptions = {
  attempts: {
    what: 'a whole number from 1 to 100',
    is: (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 100,
  },
  backOff: accepted.object,
  attemptTimeoutMs: {
    what: 'a positive finite number of milliseconds',
    is: (value) => typeof value === 'number' && value > 0 && value < Number.POSITIVE_INFINITY,
  },
  idempotent: {
    what: 'true, or a list of the names of asks',
    is: (value) => value === true || (Array.isArray(value) && value.every((name) => typeof name === 'string')),
  },
  retryOn: accepted.callback,
  budget: accepted.object,
  onRetry: accepted.callback,
};
const BACK_OFF: AcceptedOptions = { minMs: accepted.number, maxMs: accepted.number, factor: accepted.number };
const BUDGET: AcceptedOptions = { tokens: accepted.number, perSuccess: accepted.number };

/**
 * The same reference, of an actor or a group, whose asks are repeated when they fail: after a growing, random pause, or after `retryAfterMs`
 * of the error. An ask takes no longer than its `timeoutMs` (5 s by default) and than the message that its caller handles, with all attempts. The error of
 * the last attempt is that of the ask. A refusal, a wrong request and an abort are never repeated, and neither is an ask that an actor may have executed, unless it is
 * idempotent. Tells and streams are not repeated. Make it once for each reference: its asks share a budget. Throws ConfigError for a wrong option.
 *
 *     const pricing = retrying(await runtime.lookup(Pricing, 'pricing'), { attempts: 5, idempotent: ['quote'] });
 *     const { price } = await pricing.quote({ symbol: 'ACME' }, { timeoutMs: 2_000 });
 */
export function retrying<Target extends Wrappable>(target: Target, options?: RetryOptions<Target>): Target;
export function retrying(target: Wrappable, options: RetryOptions<Record<string, never>> = {}): object {
  checkWrappable('retrying', target);
  checkOptions('retrying', options, RETRYING);
  checkOptions('backOff of retrying', options.backOff, BACK_OFF);
  checkOptions('budget of retrying', options.budget, BUDGET);
  const { attempts = 4, attemptTimeoutMs, idempotent = [], retryOn = () => true, onRetry } = options;
  checkNames(target.service.methods, idempotent);
  const names: ReadonlySet<string> = new Set(idempotent === true ? Object.keys(target.service.methods) : idempotent);
  const plan: Plan = {
    attempts,
    backOff: new BackOff(options.backOff),
    attemptTimeoutMs,
    isIdempotent: ({ name, isIdempotent }) => isIdempotent === true || names.has(name),
    retryOn,
    budget: new RetryBudget(options.budget),
    onRetry,
  };
  return target[wrapAsksKey]((inner, services) => repeated(plan, inner, services));
}

interface Plan {
  readonly attempts: number;
  readonly backOff: BackOff;
  readonly attemptTimeoutMs: number | undefined;
  readonly isIdempotent: (method: AnyMethod) => boolean;
  readonly retryOn: (error: Error, attempt: number) => boolean;
  readonly budget: RetryBudget;
  readonly onRetry: ((retry: Retry) => void) | undefined;
}

function repeated(plan: Plan, target: AskTarget, services: CallServices): WrappedAsk {
  return async (method, message, options) => {
    // A stream of requests can be read once.
    if (method.streamsRequests === true) return target.ask(method, message, options);
    const kept = target.inherit(method, options).options;
    const deadlineMs = deadlineOfAsk(kept, services);
    for (let attempt = 1; ; attempt++) {
      try {
        const reply = await target.ask(method, message, ofAttempt(kept, attempt, deadlineMs, plan, services));
        plan.budget.succeeded();
        return reply;
      } catch (caught) {
        const error = errorOf(caught);
        const delayMs = pauseAfter(error, attempt, method, plan, target, services, deadlineMs - services.now());
        if (delayMs === undefined) throw error;
        plan.onRetry?.({ method: method.fullName, attempt, error, delayMs });
        await services.pauses.pause(delayMs, kept?.signal);
        if (kept?.signal?.aborted === true) throw aborted(method, target, kept.signal, attempt);
        // A busy event loop ends a pause late.
        if (services.now() >= deadlineMs) throw error;
        services.asks.retried();
      }
    }
  };
}

/** The first attempt has the options of the ask, so that a wrong one is refused as without repeats. */
function ofAttempt(
  options: AskOptions | undefined,
  attempt: number,
  deadlineMs: number,
  { attemptTimeoutMs = Number.POSITIVE_INFINITY }: Plan,
  { now }: CallServices,
): AskOptions | undefined {
  if (attempt === 1 && attemptTimeoutMs === Number.POSITIVE_INFINITY) return options;
  return { ...options, timeoutMs: Math.min(deadlineMs - now(), attemptTimeoutMs) };
}

/** The pause in ms before the next attempt; undefined when there is none. */
function pauseAfter(
  error: Error,
  attempt: number,
  method: AnyMethod,
  plan: Plan,
  target: AskTarget,
  services: CallServices,
  leftMs: number,
): number | undefined {
  if (attempt >= plan.attempts || !mayRepeat(error, attempt, method, plan, target)) return undefined;
  const delayMs = plan.backOff.afterMs(attempt, services.jitter(), retryAfterOf(error));
  // Who would ask again at the deadline need not wait for it.
  return delayMs < leftMs && !services.pauses.haveEnded && plan.budget.take() ? delayMs : undefined;
}

function mayRepeat(error: Error, attempt: number, method: AnyMethod, plan: Plan, { hasOthers }: AskTarget): boolean {
  const kind = kindOf(error);
  if (kind === 'final' || (kind === 'unknown' && !plan.isIdempotent(method))) return false;
  // An actor that has stopped does not come back; a group may have others.
  if (error instanceof StoppedError && !hasOthers) return false;
  return plan.retryOn(error, attempt);
}

function aborted({ fullName }: AnyMethod, { name }: AskTarget, { reason }: AbortSignal, attempt: number): Error {
  return new AskAbortedError(
    `${fullName} asked of ${name} was aborted by its caller, between attempt ${attempt} and the next one`,
    { cause: reason },
  );
}

function checkNames(methods: Readonly<Record<string, AnyMethod>>, idempotent: true | readonly string[]): void {
  if (idempotent === true) return;
  const asks = Object.values(methods).filter(({ mode }) => mode === 'ask');
  const wrong = idempotent.find((name) => !asks.some((ask) => ask.name === name));
  if (wrong === undefined) return;
  const known = asks.map(({ name }) => name).join(', ') || 'none';
  throw new ConfigError(`idempotent of retrying names asks of the service (${known}), not ${shownValue(wrong)}.`);
}
