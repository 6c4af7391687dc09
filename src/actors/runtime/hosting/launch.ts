import { namedMessageOf } from '../../../foreign.js';
import { limits } from '../../../limits.js';
import type { Logger } from '../../../logging/index.js';
import type { Ref } from '../../../protocol/index.js';
import type { v1 } from '../../../protocol/on-demand/index.js';
import type { Ending, Execution } from '../../../resources/execution/index.js';
import { atExit } from '../../../at-exit.js';
import type { Scheduler } from '../../../scheduler/index.js';
import type { ActorRef } from '../../kernel/index.js';

export interface LaunchOptions {
  /** Index of the partition in its process. */
  readonly index: number;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** Time for the partition's handlers to end, in ms. */
  readonly stopTimeoutMs: number;
  /** Called when an execution has ended. One that did not stop in order may have left files at its address. */
  readonly cleanUp: (execution: Execution, address: string) => Promise<void>;
  /** The same at once, of what others would find at its address: this process ends, and a thread ends with it without a word. */
  readonly abandon: (execution: Execution, address: string) => void;
}

/** The references of a partition that has started. */
export interface Live {
  readonly ordinal: number;
  readonly hosted: ActorRef<typeof v1.HostedPartition>;
  readonly segmentsManager: Ref;
  readonly spawner: Ref;
}

/** Time between a request to end and termination, in ms. */
const GRACE_MS = 1_000;
/**
 * The same while the partition starts, which takes a while on a busy machine. It hears the request when its code is loaded. Nobody knows yet where it listens, so
 * its socket files would stay for a minute if it were terminated.
 */
const START_GRACE_MS = 5_000;

/** One launch of a partition: its execution, its progress, and its end. */
export class Launch {
  /** Unique among the launches of this partition. */
  readonly name: string;
  readonly execution: Execution;
  address = '';
  ordinal: Promise<number> | undefined;
  activated: Promise<void> | undefined;
  live: Live | undefined;
  ending: Ending | undefined;
  /** It was told to end, so its end is no failure. */
  isOver = false;
  /** It had started and did not stop by itself when its runtime stopped, so its work was cut off. */
  isCutOff = false;
  /** It did not answer, and is being ended. */
  isHanging = false;
  readonly #options: LaunchOptions;

  constructor(name: string, execution: Execution, options: LaunchOptions) {
    this.name = name;
    this.execution = execution;
    this.#options = options;
    const isThread = execution.threadId !== undefined;
    const forgetExit = isThread ? atExit(() => options.abandon(execution, this.address)) : () => {};
    void execution.ended.then((ending) => {
      this.ending = ending;
      forgetExit();
    });
  }

  /** Segments end within `stopTimeoutMs`, whatever they do; a partition that does not say so hangs, and is ended: others wait for its segments. */
  async stopSegments(): Promise<void> {
    const { stopTimeoutMs, log, index } = this.#options;
    try {
      await this.live?.hosted.stopSegments({}, { timeoutMs: stopTimeoutMs + GRACE_MS });
    } catch (error) {
      if (this.isOver) return;
      log.warn('a partition does not respond, and is terminated', { partition: index, error: namedMessageOf(error) });
      this.isCutOff = true;
      await this.end();
    }
  }

  /** Ends what hangs. That is a failure, after which the partition begins anew. */
  async endHanging(): Promise<void> {
    this.isHanging = true;
    this.execution.end();
    if (!(await this.#endsWithin(GRACE_MS))) this.execution.kill();
  }

  /** Stops it in order where possible; does not wait for one that has not started, or does not answer. */
  async stop(handlerTimeoutMs: number | undefined): Promise<void> {
    this.isOver = true;
    if (this.live !== undefined) this.isCutOff = !(await this.#stopsInOrder(this.live, handlerTimeoutMs));
    await this.end();
  }

  /** Ends its thread or process, and removes what that has left. */
  async end(): Promise<void> {
    const { execution } = this;
    this.isOver = true;
    if (this.ending === undefined) execution.end();
    if (!(await this.#endsWithin(this.address === '' ? START_GRACE_MS : GRACE_MS))) execution.kill();
    await this.#cleanUp();
  }

  /**
   * As `end`, but a process is killed at once. A thread is asked to end even so: it runs, and to terminate one whose links
   * have native parts may abort this process.
   */
  async kill(): Promise<void> {
    if (this.execution.threadId !== undefined) return this.end();
    this.isOver = true;
    if (this.ending === undefined) this.execution.kill();
    await this.#cleanUp();
  }

  async #cleanUp(): Promise<void> {
    await this.execution.ended;
    await this.#options.cleanUp(this.execution, this.address);
    this.live = undefined;
  }

  /** False when it must be terminated, or has ended otherwise. */
  async #stopsInOrder({ hosted }: Live, handlerTimeoutMs: number | undefined): Promise<boolean> {
    const { stopTimeoutMs, log, index } = this.#options;
    const about = { partition: index, place: this.execution.place };
    try {
      await hosted.stop({ handlerTimeoutMs }, { timeoutMs: stopTimeoutMs });
    } catch (error) {
      log.warn('a partition does not stop, and is terminated', { ...about, error: namedMessageOf(error) });
      return false;
    }
    if (!(await this.#endsWithin(2 * stopTimeoutMs + limits.linkLingerMs))) {
      log.warn('a partition has not stopped in time, and is terminated', about);
      return false;
    }
    const { isClean, cause } = await this.execution.ended;
    if (!isClean) log.warn('a partition did not stop in order', { ...about, cause });
    return isClean;
  }

  #endsWithin(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.#options.scheduler.setTimer(timeoutMs, () => resolve(false));
      void this.execution.ended.then(() => {
        this.#options.scheduler.clearTimer(timer);
        resolve(true);
      });
    });
  }
}
