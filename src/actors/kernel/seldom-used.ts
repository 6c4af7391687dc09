import { StoppedError } from '../../errors.js';
import type { Timer } from '../../scheduler/index.js';
import type { Delivery } from './delivery.js';
import type { IdleTimeout } from './idle-timeout.js';
import type { Watcher } from './route.js';
import type { Stash } from './stash.js';
import { ActorStreams } from './actor-streams.js';
import { RestartHistory } from './supervision.js';

/** What a cell has only once it is watched, full, failing or ending, so that an idle actor stays small. */
export class SeldomUsed {
  readonly watchers = new Set<Watcher>();
  readonly restarts = new RestartHistory();
  readonly readyWaiters: { readonly resolve: () => void; readonly reject: (error: StoppedError) => void }[] = [];
  /** Asks that are to be answered later. */
  readonly owedReplies = new Set<Delivery>();
  readonly streams = new ActorStreams();
  readonly stopWaiters: (() => void)[] = [];
  stash: Stash | undefined = undefined;
  idle: IdleTimeout | undefined = undefined;
  /** Ends the wait for a handler or hook of an actor that stops or restarts. */
  stopTimer: Timer | undefined = undefined;
  /** Ends the wait before a restart. */
  restartTimer: Timer | undefined = undefined;
  restartDelayMs = 0;

  /** `path` names the actor that has stopped. */
  failOwed(path: string): void {
    for (const delivery of this.owedReplies) delivery.fail(new StoppedError(`${path} has stopped before it replied`));
    this.owedReplies.clear();
  }

  resolveReady(): void {
    if (this.readyWaiters.length === 0) return;
    for (const { resolve } of this.readyWaiters.splice(0)) resolve();
  }

  rejectReady(path: string): void {
    for (const { reject } of this.readyWaiters.splice(0)) reject(stoppedForGood(path));
  }
}

/** What those learn who wait for a stopped actor to be ready. */
export function stoppedForGood(path: string): StoppedError {
  return new StoppedError(`${path} has stopped and will not be ready again`);
}
