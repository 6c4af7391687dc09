import { StoppedError } from '../../errors.js';
import type { Timer } from '../../scheduler/index.js';
import type { Ending } from './behavior.js';
import type { Delivery } from './delivery.js';
import type { IdleTimeout } from './idle-timeout.js';
import type { Watcher } from './route.js';
import type { ReadyQueue } from './ready-queue.js';
import type { Stash } from './stash.js';
import type { WaitingRoom } from './waiting-room.js';
import { ActorStreams } from './actor-streams.js';
import { RestartHistory } from './supervision.js';

/** The rarely used state of a cell: for watchers, streams, stashes, failures and stops. Created on first use, to keep idle actors small. */
export class ColdState {
  readonly watchers = new Set<Watcher>();
  readonly restarts = new RestartHistory();
  readonly readyWaiters: ReadyQueue;
  /** Asks with a deferred reply. */
  readonly deferredReplies = new Set<Delivery>();
  /** While it stops or restarts: replies that were settled before have been delivered. */
  hasDeliveredDeferred = false;
  readonly streams = new ActorStreams();
  readonly stopWaiters: (() => void)[] = [];
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

  constructor(readyWaiters: ReadyQueue) {
    this.readyWaiters = readyWaiters;
  }

  /** Deferred replies, and handlers that wait for their next request. */
  get unsettled(): number {
    return this.deferredReplies.size + (this.streams.reading?.released.size ?? 0);
  }

  /** `path` names the actor that has stopped. */
  failDeferredReplies(path: string): void {
    for (const delivery of this.deferredReplies)
      delivery.fail(new StoppedError(`${path} has stopped before it replied`));
    this.deferredReplies.clear();
  }
}

/** The error of `ready` when the actor has stopped. */
export function stoppedForGood(path: string): StoppedError {
  return new StoppedError(`${path} has stopped and will not be ready again`);
}
