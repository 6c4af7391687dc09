import type { MillraceError } from '../../errors.js';
import type { Logger } from '../../logging/index.js';
import type { AnyMethod } from '../../protocol/index.js';
import { answeredError, failureIn, isPassedOn } from './answered-error.js';
import type { Actor } from './actor.js';
import type { Counters } from './counters.js';
import { DeferredAsk } from './deferred-ask.js';
import { type Delivery, isAsk } from './delivery.js';
import type { LaterReply } from './later.js';
import { endOfRequests } from './request-reader.js';

/** Answers an ask when the reply of `later` settles, while the actor goes on. */
export function deferReply(cell: Actor, later: LaterReply, method: AnyMethod, delivery: Delivery | undefined): void {
  const { counters, deadlines } = cell.kernel;
  counters.awaits(cell.behavior);
  if (!isAsk(delivery)) {
    const settled = (cause?: unknown): void => {
      counters.settled(cell.behavior);
      if (cause !== undefined) failed(cell, cause, method, delivery);
    };
    later.reply.then(() => settled(), settled);
    return;
  }
  const cold = cell.coldState();
  const ask: DeferredAsk = new DeferredAsk(delivery, () => {
    counters.settled(cell.behavior);
    cold.settled(ask);
  });
  cold.defer(ask);
  delivery.whenEnded?.(() => ask.end(), deadlines);
  // The requests of a call end with it, and the reply then fails because of that.
  const reading = method.streamsRequests === true ? delivery : undefined;
  later.answers?.(() => ask.delivery?.isAwaited === true);
  later.reply.then(
    (value) => {
      const waiting = ask.delivery;
      try {
        waiting?.reply(value);
      } catch (error) {
        failed(cell, error, method, waiting);
      }
      ask.end();
    },
    (error: unknown) => {
      failed(cell, error, method, ask.delivery ?? reading);
      ask.end();
    },
  );
}

/** The reply of an ask, or of a tell, has failed. */
function failed(cell: Actor, cause: unknown, method: AnyMethod, delivery: Delivery | undefined): void {
  const end = endOfRequests(cell, delivery, cause);
  const answer = answeredError(cause);
  if (isAsk(delivery)) delivery.fail(end ?? answer);
  if (end === undefined) reportFailedReply(cell, cause, answer, method);
}

interface ReplyingActor {
  readonly path: string;
  readonly behavior: { readonly isOfRuntime: boolean };
  readonly kernel: { readonly logger: Logger; readonly counters: Counters };
}

/**
 * A deferred reply, or a deferred element of a stream, has failed: this costs the actor nothing, so that supervision does not see it. For the
 * runtime's own actors it is an answer like any other. `answer` is what the caller got.
 */
export function reportFailedReply(
  { path, behavior, kernel }: ReplyingActor,
  cause: unknown,
  answer: MillraceError,
  { fullName: during }: AnyMethod,
): void {
  const error = failureIn(cause, answer);
  if (error === undefined) kernel.logger.debug('a message was refused', { actor: path, during, error: cause });
  else if (behavior.isOfRuntime) kernel.logger.debug('a deferred reply failed', { actor: path, during, error });
  else {
    kernel.counters.failed();
    kernel.logger[isPassedOn(error) ? 'debug' : 'warn']('a deferred reply failed', { actor: path, during, error });
  }
}
