import { StoppedError } from '../../errors.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';
import type { Ending } from './behavior.js';
import type { Delivery } from './delivery.js';
import type { IdleTimeout } from './idle-timeout.js';
import type { Watcher } from './route.js';
import { ReadyQueue } from './ready-queue.js';
import type { Stash } from './stash.js';
import type { WaitingRoom } from './waiting-room.js';
import { ActorStreams } from './actor-streams.js';
import { RestartHistory } from './supervision.js';

const NONE: readonly Watcher[] = [];

/**
 * The rarely used state of a cell: for watchers, streams, stashes, failures and stops. Created on first use, to keep idle actors small; and so
 * are its parts, because every stop that is awaited needs one.
 */
export class ColdState {
  readonly streams = new ActorStreams();
  readonly stopWaiters: (() => void)[] = [];
  /** While it stops or restarts: replies that were settled before have been delivered. */
  hasDeliveredDeferred = false;
  stash: Stash | undefined = undefined;
  /** Links that are metered, and their messages that found the mailbox full. */
  waitingRoom: WaitingRoom | undefined = undefined;
  idle: IdleTimeout | undefined = undefined;
  /** Abandons a pending handler or hook of an actor that stops or restarts. */
  stopTimer: Timer | undefined = undefined;
  /** Ends the delay before a restart. */
  restartTimer: Timer | undefined = undefined;
  restartDelayMs = 0;
  /** Why the actor stops or restarts, where that is a failure. */
  ending: Ending | undefined = undefined;
  #watchers: Set<Watcher> | undefined = undefined;
  #restarts: RestartHistory | undefined = undefined;
  #readyWaiters: ReadyQueue | undefined = undefined;
  /** Asks with a deferred reply. */
  #deferred: Set<Delivery> | undefined = undefined;

  get watchers(): Iterable<Watcher> {
    return this.#watchers ?? NONE;
  }

  watch(watcher: Watcher): void {
    this.#watchers ??= new Set();
    this.#watchers.add(watcher);
  }

  unwatch(watcher: Watcher): void {
    this.#watchers?.delete(watcher);
  }

  get restarts(): RestartHistory {
    this.#restarts ??= new RestartHistory();
    return this.#restarts;
  }

  /** Those who wait for room; undefined while nobody has. */
  get readyWaiters(): ReadyQueue | undefined {
    return this.#readyWaiters;
  }

  /** Where to wait for room: `hasRoom` says whether there is some. */
  readyQueue(scheduler: Scheduler, hasRoom: () => boolean): ReadyQueue {
    this.#readyWaiters ??= new ReadyQueue(scheduler, hasRoom);
    return this.#readyWaiters;
  }

  /** Asks with a deferred reply. */
  get deferredReplies(): number {
    return this.#deferred?.size ?? 0;
  }

  defer(ask: Delivery): void {
    this.#deferred ??= new Set();
    this.#deferred.add(ask);
  }

  /** The deferred reply of this ask has settled. False where the ask was answered before, because the actor has stopped. */
  settled(ask: Delivery): boolean {
    return this.#deferred?.delete(ask) === true;
  }

  /** `path` names the actor that has stopped. */
  failDeferredReplies(path: string): void {
    const asks = this.#deferred;
    this.#deferred = undefined;
    for (const ask of asks ?? []) ask.fail(new StoppedError(`${path} has stopped before it replied`));
  }

  /** Deferred replies, and handlers that wait for their next request. */
  get unsettled(): number {
    return this.deferredReplies + (this.streams.reading?.released.size ?? 0);
  }
}

/** The error of `ready` when the actor has stopped. */
export function stoppedForGood(path: string): StoppedError {
  return new StoppedError(`${path} has stopped and will not be ready again`);
}
