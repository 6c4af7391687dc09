import { Deferred } from '../../deferred.js';
import { StoppedError } from '../../errors.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';
import type { Ending } from './behavior.js';
import { Borrowing } from './borrowing.js';
import type { Draining } from './draining.js';
import type { DeferredAsk } from './deferred-ask.js';
import type { IdleTimeout } from './idle-timeout.js';
import type { Watcher } from './route.js';
import { ReadyQueue } from './ready-queue.js';
import { Stash } from './stash.js';
import { type RoomHost, WaitingRoom } from './waiting-room.js';
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
  #watchers: Set<Watcher> | undefined = undefined;
  #restarts: RestartHistory | undefined = undefined;
  #readyWaiters: ReadyQueue | undefined = undefined;
  /** Asks with a deferred reply. */
  #deferred: Set<DeferredAsk> | undefined = undefined;
  #hasDelivered = false;
  #stash: Stash | undefined = undefined;
  #waitingRoom: WaitingRoom | undefined = undefined;
  #idle: IdleTimeout | undefined = undefined;
  #stopTimer: Timer | undefined = undefined;
  #restartTimer: Timer | undefined = undefined;
  #restartDelayMs = 0;
  #ending: Ending | undefined = undefined;
  #start: Deferred<void> | undefined = undefined;
  #borrowing: Borrowing | undefined = undefined;
  #draining: Draining | undefined = undefined;

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

  defer(ask: DeferredAsk): void {
    this.#deferred ??= new Set();
    this.#deferred.add(ask);
  }

  /** The deferred reply of this ask has settled, or nobody waits for it any more. */
  settled(ask: DeferredAsk): void {
    this.#deferred?.delete(ask);
    this.#draining?.progressed();
  }

  /** `path` names the actor that has stopped. */
  failDeferredReplies(path: string): void {
    const asks = this.#deferred;
    this.#deferred = undefined;
    for (const ask of asks ?? []) ask.delivery?.fail(new StoppedError(`${path} has stopped before it replied`));
  }

  /** While it stops or restarts: replies that were settled before have been delivered. */
  get hasDelivered(): boolean {
    return this.#hasDelivered;
  }

  delivers(hasDelivered: boolean): void {
    this.#hasDelivered = hasDelivered;
  }

  get stash(): Stash | undefined {
    return this.#stash;
  }

  openStash(capacity: number, actor: { readonly path: string }): Stash {
    this.#stash ??= new Stash(capacity, actor);
    return this.#stash;
  }

  /** Links that are metered, and their messages that found the mailbox full. */
  get waitingRoom(): WaitingRoom | undefined {
    return this.#waitingRoom;
  }

  openWaitingRoom(host: RoomHost): WaitingRoom {
    this.#waitingRoom ??= new WaitingRoom(host);
    return this.#waitingRoom;
  }

  closeWaitingRoom(): void {
    this.#waitingRoom = undefined;
  }

  get idle(): IdleTimeout | undefined {
    return this.#idle;
  }

  /** Replaces the idle timeout, which ends. */
  setIdle(idle: IdleTimeout | undefined): void {
    this.#idle?.close();
    this.#idle = idle;
  }

  /** Memory of others that this incarnation uses; undefined while there was none. */
  get borrowing(): Borrowing | undefined {
    return this.#borrowing;
  }

  openBorrowing(): Borrowing {
    this.#borrowing ??= new Borrowing();
    return this.#borrowing;
  }

  /** Why the actor stops or restarts, where that is a failure. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  endsBy(ending: Ending | undefined): void {
    this.#ending = ending;
  }

  /** It takes no new messages, and stops when it has done its work. A restart does not change that. */
  get draining(): Draining | undefined {
    return this.#draining;
  }

  drains(draining: Draining): void {
    this.#draining = draining;
  }

  /** Settles with the first start; undefined while nobody waits for that. */
  get start(): Deferred<void> | undefined {
    return this.#start;
  }

  openStart(): Deferred<void> {
    this.#start ??= new Deferred();
    return this.#start;
  }

  /** The actor ends, and starts again `delayMs` later. */
  restartsAfter(delayMs: number, cause: Error): void {
    this.#restartDelayMs = delayMs;
    this.#ending = { reason: 'restarting', cause };
  }

  /** The actor has ended, and starts again. False where it has to wait for that: then `start` is called. */
  startsAtOnce(scheduler: Scheduler, start: () => void): boolean {
    this.#ending = undefined;
    if (this.#restartDelayMs === 0) return true;
    this.#restartTimer ??= scheduler.setTimer(this.#restartDelayMs, () => {
      this.#restartTimer = undefined;
      start();
    });
    return false;
  }

  startsNoMore(scheduler: Scheduler): void {
    if (this.#restartTimer !== undefined) scheduler.clearTimer(this.#restartTimer);
    this.#restartTimer = undefined;
  }

  /** A pending handler or hook of an actor that stops or restarts has `timeoutMs`; then `isOver` is called. */
  givesTime(scheduler: Scheduler, timeoutMs: number, isOver: () => void): void {
    this.needsNoTime(scheduler);
    this.#stopTimer = scheduler.setTimer(timeoutMs, () => {
      this.#stopTimer = undefined;
      isOver();
    });
  }

  needsNoTime(scheduler: Scheduler): void {
    if (this.#stopTimer !== undefined) scheduler.clearTimer(this.#stopTimer);
    this.#stopTimer = undefined;
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
