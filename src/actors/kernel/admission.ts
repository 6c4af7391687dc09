import { AskTimeoutError, BackpressureError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { AnyMethod } from '../../protocol/index.js';
import type { Delivery } from './delivery.js';
import type { Mailbox, MailboxBounds } from './mailbox.js';
import type { ServiceMeter } from './service-meter.js';
import type { Scheduler } from '../../scheduler/index.js';

/** Part of an ask's remaining time that is planned with; the rest is for its way back, and for what is not foreseen. */
const PLANNED = 0.9;

/** What decides on an ask: its actor. */
interface AskedActor {
  readonly path: string;
  readonly kernel: { readonly scheduler: Scheduler };
  readonly behavior: { readonly isOfRuntime: boolean };
  readonly bounds: MailboxBounds;
  /** A handler that awaits holds the mailbox. */
  readonly isHeld: boolean;
  readonly serviceMeter: ServiceMeter | undefined;
  /** The meter, which is created where there is none. */
  measure(): ServiceMeter;
  /** It goes on after the event loop had a turn. */
  endTurn(): void;
}

// An actor that is asked for more than it can do must not spend its time on asks whose callers get nothing from it. So an ask is refused
// as soon as it is foreseen that its reply would come after its deadline:
//
//     on arrival     its wait behind the messages before it, and its own time, exceed its remaining time
//     at its turn    its own time exceeds its remaining time, and another message waits that may have more
//
// An actor that has nothing else to do takes every ask. This is also how it learns that it has become faster. When it has nothing to do much
// sooner than it has foreseen for an ask that it has refused, it forgets what it has measured.

/** Fails an ask on its arrival, when it would not be done in time. An actor that drops its oldest messages decides at their turn. */
export function refusedOnArrival(
  actor: AskedActor,
  meter: ServiceMeter,
  mailbox: Mailbox | undefined,
  method: AnyMethod,
  ask: Delivery,
): boolean {
  if (actor.bounds.overflow === 'drop-oldest' || !meter.mayWait(mailbox, actor.isHeld)) return false;
  const nowMs = actor.kernel.scheduler.now();
  const plannedMs = (ask.deadlineMs - nowMs) * PLANNED;
  const waitMs = meter.waitMs(mailbox, actor.isHeld, nowMs);
  const neededMs = waitMs + meter.serviceMs(method, nowMs);
  if (neededMs <= plannedMs || plannedMs < 0) return false;
  meter.refused(waitMs, nowMs);
  ask.fail(overloaded(actor, method, neededMs - plannedMs));
  return true;
}

/** Fails an ask at its turn, when it is past its deadline or would not be done in time. `mailbox` has the messages behind it. */
export function refusedAtItsTurn(
  actor: AskedActor,
  mailbox: Mailbox | undefined,
  method: AnyMethod,
  ask: Delivery,
  nowMs: number,
): boolean {
  const { deadlineMs } = ask;
  if (deadlineMs <= nowMs) {
    ask.fail(
      new AskTimeoutError(
        `${method.fullName} was still in the mailbox of ${actor.path} at its deadline, so its handler was not run`,
      ),
    );
    return true;
  }
  const meter = mailbox === undefined || actor.behavior.isOfRuntime ? actor.serviceMeter : actor.measure();
  if (meter === undefined || (mailbox === undefined && meter.isIdle) || meter.continues(method, nowMs)) return false;
  meter.ended(nowMs);
  const plannedMs = (deadlineMs - nowMs) * PLANNED;
  if (mailbox !== undefined && meter.longestMs > plannedMs && meter.serviceMs(method, nowMs) > plannedMs) {
    ask.fail(overloaded(actor, method, meter.queuedMs(mailbox, nowMs)));
    return true;
  }
  if (meter.began(method, nowMs, limits.turnMs)) actor.endTurn();
  return false;
}

function overloaded({ path }: AskedActor, { fullName }: AnyMethod, afterMs: number): BackpressureError {
  const retryAfterMs = retryAfter(afterMs);
  return new BackpressureError(
    `${path} has more to do than it can: ${fullName} would not be done by its deadline, so its handler was not run. Ask again after ${retryAfterMs} ms, or give it more time`,
    { retryAfterMs },
  );
}

/** A foreseen time in ms as `retryAfterMs` of an error: what is foreseen for later than `longestRetryMs` is not known well enough. */
export function retryAfter(afterMs: number): number {
  return Math.min(Math.max(1, Math.ceil(afterMs)), limits.longestRetryMs);
}
