import { AskTimeoutError, BackpressureError, StoppedError } from '../../../errors.js';
import { errorOf, namedMessageOf } from '../../../foreign.js';
import { limits } from '../../../limits.js';
import type { Logger } from '../../../logging/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
import { isLate, retryAsk } from '../../control-plane/index.js';
import { type AskOptions, Pauses } from '../../kernel/index.js';

export interface WithdrawalsOptions {
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** An actor in a partition was told to stop; a partition of this process that hangs until long after that is ended. */
  readonly stopping: (ordinal: number, id: number) => void;
  /** The actor has stopped, or the link to its partition has ended. */
  readonly gone: (id: number) => void;
}

/** Asks the spawner of a partition once to withdraw a request. */
export type SendWithdrawal = (options: AskOptions) => Promise<unknown>;

/** Tells the host of that partition that its spawner does not answer. Undefined where it has none, or where this process is the host. */
export type AlarmHost = (options: AskOptions) => Promise<unknown> | undefined;

interface Withdrawal {
  readonly ordinal: number;
  readonly id: number;
  readonly send: SendWithdrawal;
  readonly alarm: AlarmHost;
}

/** Silence of a spawner after which its host is told, in ms: less than the host then takes to end the partition, within one attempt. */
const ALARM_MS = 500;
/** Pauses between attempts, in ms, each of which is as long as `limits.controlPlaneTimeoutMs`. */
const BACKOFF = { minMs: 100, maxMs: 5_000 };

/**
 * Requests to place an actor that are withdrawn. A link may be silent for `linkDeadMs` and longer, and then go on: nobody else would stop the
 * actor. So each request is withdrawn again and again, until the spawner has answered, the link to it has ended (the spawner stops the actor
 * then), or this process stops.
 */
export class Withdrawals {
  readonly #options: WithdrawalsOptions;
  /** By the number of the request. All who withdraw one wait for the same answer. */
  readonly #underWay = new Map<number, Promise<Error | undefined>>();
  readonly #pauses: Pauses;

  constructor(options: WithdrawalsOptions) {
    this.#options = options;
    this.#pauses = new Pauses(options.scheduler);
  }

  /**
   * Resolves when the actor has stopped, or to the error for which that is not known: to AskTimeoutError when the spawner has not answered within
   * `timeoutMs`. The withdrawal goes on then.
   */
  withdraw(withdrawal: Withdrawal, timeoutMs: number): Promise<Error | undefined> {
    const { id, ordinal } = withdrawal;
    let underWay = this.#underWay.get(id);
    if (underWay === undefined) {
      underWay = this.#untilAnswered(withdrawal).finally(() => this.#underWay.delete(id));
      this.#underWay.set(id, underWay);
    }
    return this.#within(underWay, `Partition ${ordinal} has`, timeoutMs);
  }

  /** Resolves when all that are under way now have ended, at the latest after `timeoutMs`. */
  async settled(timeoutMs: number): Promise<void> {
    const all = Promise.all(this.#underWay.values()).then(() => undefined);
    await this.#within(all, 'Some partitions have', timeoutMs);
  }

  /** Nothing is sent any more. */
  end(): void {
    this.#pauses.end();
  }

  async #untilAnswered(withdrawal: Withdrawal): Promise<Error | undefined> {
    const { stopping, gone, log } = this.#options;
    const { ordinal: partition, id } = withdrawal;
    stopping(partition, id);
    for (let delayMs = BACKOFF.minMs; ; delayMs = Math.min(2 * delayMs, BACKOFF.maxMs)) {
      const error = await this.#attempt(withdrawal);
      if (error !== undefined) {
        log.debug('a placed actor was not withdrawn', { partition, id, error: namedMessageOf(error) });
      }
      // Only a partition that does not answer may hang.
      if (!isSilence(error)) gone(id);
      if (!isSilence(error) || this.#pauses.haveEnded) return error;
      await this.#pauses.pause(delayMs);
    }
  }

  async #attempt(withdrawal: Withdrawal): Promise<Error | undefined> {
    const { send, ordinal } = withdrawal;
    const { scheduler } = this.#options;
    const alarm = scheduler.setTimer(ALARM_MS, () => void this.#alarm(withdrawal));
    try {
      await retryAsk(scheduler, limits.controlPlaneTimeoutMs, async (ask) => {
        if (this.#pauses.haveEnded) throw new StoppedError(`This process stops, and partition ${ordinal} is silent.`);
        return send(ask);
      });
      return undefined;
    } catch (error) {
      return errorOf(error);
    } finally {
      scheduler.clearTimer(alarm);
    }
  }

  /** The next attempt repeats it. */
  async #alarm({ alarm, ordinal: partition, id }: Withdrawal): Promise<void> {
    try {
      await alarm({ timeoutMs: limits.controlPlaneTimeoutMs });
    } catch (error) {
      const reason = namedMessageOf(error);
      this.#options.log.debug('the host of a partition was not told that it is silent', {
        partition,
        id,
        error: reason,
      });
    }
  }

  #within(work: Promise<Error | undefined>, who: string, timeoutMs: number): Promise<Error | undefined> {
    const { scheduler } = this.#options;
    return new Promise((resolve) => {
      const timer = scheduler.setTimer(timeoutMs, () =>
        resolve(new AskTimeoutError(`${who} not said within ${timeoutMs} ms that a placed actor has stopped.`)),
      );
      void work.then((error) => {
        scheduler.clearTimer(timer);
        resolve(error);
      });
    });
  }
}

/** The spawner, or the link to it, is too busy to answer: it may do so later. */
function isSilence(error: Error | undefined): boolean {
  return isLate(error) || error instanceof BackpressureError;
}
