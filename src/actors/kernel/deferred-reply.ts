import type { HandlerError, RefusedError } from '../../errors.js';
import type { Logger } from '../../logging/index.js';
import type { AnyMethod } from '../../protocol/index.js';
import { answeredError, failureIn, isPassedOn } from './answered-error.js';
import type { Actor } from './actor.js';
import type { Counters } from './counters.js';
import { type Delivery, isAsk } from './delivery.js';
import { endOfRequests } from './request-reader.js';

/** Answers an ask when `reply` settles, while the actor goes on. */
export function deferReply(
  cell: Actor,
  reply: Promise<unknown>,
  method: AnyMethod,
  delivery: Delivery | undefined,
): void {
  const cold = cell.coldState();
  if (isAsk(delivery)) cold.defer(delivery);
  const { counters } = cell.kernel;
  counters.awaits(cell.behavior);
  const fail = (cause: unknown): void => {
    const end = endOfRequests(cell, delivery, cause);
    const answer = answeredError(cause);
    if (isAsk(delivery)) {
      cold.settled(delivery);
      delivery.fail(end ?? answer);
    }
    if (end === undefined) reportFailedReply(cell, cause, answer, method);
  };
  reply.then(
    (value) => {
      counters.settled(cell.behavior);
      if (!isAsk(delivery) || !cold.settled(delivery)) return;
      try {
        delivery.reply(value);
      } catch (error) {
        fail(error);
      }
    },
    (error: unknown) => {
      counters.settled(cell.behavior);
      fail(error);
    },
  );
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
  answer: RefusedError | HandlerError,
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
