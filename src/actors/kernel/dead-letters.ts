import type { Logger } from '../../logging/index.js';
import type { AnyMethod } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { ArrivingMessage, dropMessage } from './arriving-message.js';
import type { Addressee, Delivery } from './delivery.js';
import { isInfrastructure } from './infrastructure.js';
import { Topic, type Subscribable } from './topic.js';

/**
 * A tell that no actor will handle. It belongs to the process of its sender, or to that of the actor when the link between them has ended. (An
 * ask is never a dead letter: its caller gets an error.)
 */
export interface DeadLetter {
  /** `system/parent/child`, or a description of an actor of another partition. */
  readonly path: string;
  /** Full name of the method. */
  readonly method: string;
  readonly message: unknown;
  readonly reason: DeadLetterReason;
}

/**
 * `not taken`: this process has stopped, and the process of the actor had not taken the tell within `linkLingerMs`. `malformed`: the process of
 * the actor could not decode the message.
 */
export type DeadLetterReason = 'stopped' | 'unreachable' | 'overflow' | 'unknown method' | 'not taken' | 'malformed';

/** Why a tell from a link is reported to the process of its sender. What a behavior drops (`overflow`) is reported where it is dropped. */
export type ReturnReason = Extract<DeadLetterReason, 'stopped' | 'unknown method' | 'malformed'>;

/** Counts dead letters, publishes them to subscribers, and logs at most one each second. */
export interface DeadLetters extends Subscribable<DeadLetter> {
  readonly count: number;
}

const LOG_INTERVAL_MS = 1_000;

export class DeadLetterOffice extends Topic<DeadLetter> implements DeadLetters {
  count = 0;
  readonly byReason = new Map<DeadLetterReason, number>();
  private readonly scheduler: Scheduler;
  private readonly log: Logger;
  private loggedAtMs = Number.NEGATIVE_INFINITY;
  private loggedCount = 0;

  constructor(scheduler: Scheduler, logger: Logger) {
    super(logger);
    this.scheduler = scheduler;
    this.log = logger;
  }

  /** A tell for an actor of this process that will not handle it. */
  addFor(
    addressee: Addressee,
    method: AnyMethod,
    message: unknown,
    delivery: Delivery | undefined,
    reason: ReturnReason,
  ): void {
    dropMessage(message);
    const isReturned = delivery?.giveBack?.(addressee, method, message, reason) === true;
    if (!isReturned) this.add(addressee, method.fullName, message, reason);
  }

  /** The path of `target` is computed only when it is needed. A tell of the runtime itself is only logged: users did not send it. */
  add(target: { readonly path: string }, method: string, message: unknown, reason: DeadLetterReason): void {
    dropMessage(message);
    if (isInfrastructure(method)) {
      this.log.debug('a message of the runtime was not handled', { actor: target.path, method, reason });
      return;
    }
    this.count++;
    this.byReason.set(reason, (this.byReason.get(reason) ?? 0) + 1);
    const nowMs = this.scheduler.now();
    if (nowMs - this.loggedAtMs >= LOG_INTERVAL_MS) {
      this.log.warn('dead letter', { actor: target.path, method, reason, sinceLast: this.count - this.loggedCount });
      this.loggedAtMs = nowMs;
      this.loggedCount = this.count;
    }
    const known = message instanceof ArrivingMessage ? undefined : message;
    if (this.hasSubscribers) this.publish({ path: target.path, method, message: known, reason });
  }
}
