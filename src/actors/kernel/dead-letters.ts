import { namedMessageOf } from '../../foreign.js';
import type { Logger } from '../../logging/index.js';
import type { AnyMethod } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { ArrivingMessage } from './arriving-message.js';
import type { Addressee, DeadLetterReason, Delivery, ReturnReason } from './delivery.js';
import { isInfrastructure } from './infrastructure.js';
import { Topic, type Subscribable } from './topic.js';

/**
 * A tell that no actor will handle. It belongs to the process of its sender, or to that of the actor when the link between them has ended. (An
 * ask is never a dead letter: its caller gets an error.)
 */
export interface DeadLetter {
  /** `system/parent/child`; where that is not known, the channel id of an actor of another partition, with the name by which it was found. */
  readonly path: string;
  /** Full name of the method. */
  readonly method: string;
  readonly message: unknown;
  readonly reason: DeadLetterReason;
  /** Why, where an error says more: for instance that of large fields that could not be sent or read. */
  readonly cause?: Error | undefined;
}

/** Counts dead letters, publishes them to subscribers, and logs at most one each second. */
export interface DeadLetters extends Subscribable<DeadLetter> {
  readonly count: number;
}

const LOG_INTERVAL_MS = 1_000;

export class DeadLetterOffice extends Topic<DeadLetter> implements DeadLetters {
  count = 0;
  readonly byReason = new Map<DeadLetterReason, number>();
  readonly #scheduler: Scheduler;
  readonly #log: Logger;
  #loggedAtMs = Number.NEGATIVE_INFINITY;
  #loggedCount = 0;

  constructor(scheduler: Scheduler, logger: Logger) {
    super(logger);
    this.#scheduler = scheduler;
    this.#log = logger;
  }

  /** A tell for an actor of this process that will not handle it. */
  addFor(
    addressee: Addressee,
    method: AnyMethod,
    message: unknown,
    delivery: Delivery | undefined,
    reason: ReturnReason,
    cause?: Error,
  ): void {
    const known = knownOf(message);
    const isReturned = delivery?.giveBack?.(addressee, method, known, reason) === true;
    if (!isReturned) this.add(addressee, method.fullName, known, reason, cause);
  }

  /** The path of `target` is computed only when it is needed. A tell of the runtime itself is only logged: users did not send it. */
  add(
    target: { readonly path: string },
    method: string,
    message: unknown,
    reason: DeadLetterReason,
    cause?: Error,
  ): void {
    const known = knownOf(message);
    if (isInfrastructure(method)) {
      this.#log.debug('a message of the runtime was not handled', { actor: target.path, method, reason });
      return;
    }
    this.count++;
    this.byReason.set(reason, (this.byReason.get(reason) ?? 0) + 1);
    const nowMs = this.#scheduler.now();
    if (nowMs - this.#loggedAtMs >= LOG_INTERVAL_MS) {
      const sinceLast = this.count - this.#loggedCount;
      const why = cause === undefined ? {} : { error: namedMessageOf(cause) };
      this.#log.warn('dead letter', { actor: target.path, method, reason, ...why, sinceLast });
      this.#loggedAtMs = nowMs;
      this.#loggedCount = this.count;
    }
    if (this.hasSubscribers)
      this.publish({ path: target.path, method, message: known, reason, ...(cause && { cause }) });
  }
}

/** The message where it is here. One whose large fields were not read is not: its fields are given back to their sender. */
function knownOf(message: unknown): unknown {
  if (!(message instanceof ArrivingMessage)) return message;
  message.dispose();
  return undefined;
}
