import { limits } from '../../limits.js';
import { RecentMap } from '../../recent-map.js';
import type { EnvelopeError } from '../../protocol/index.js';
import { answeredError, type Cell, type Route, type TerminationReason, type Watcher } from '../kernel/index.js';
import { fromWire, toWire } from '../../protocol/errors/index.js';

type Send = (message: {
  readonly case: 'watch' | 'watching' | 'unwatch' | 'terminated';
  readonly value: { readonly cUid: bigint; readonly cause?: EnvelopeError | undefined };
}) => void;

/** The actors of this partition. */
export interface WatchedActors {
  resolve(cUid: bigint): Cell | undefined;
  /** The error that ended an actor. */
  endCauseOf(cUid: bigint): Error | undefined;
}

interface WatchEntry {
  /** By the route that was watched: there may be many routes to one actor, and each watcher is notified of its own. */
  readonly watchers: Map<Route, Set<Watcher>>;
}

/**
 * Death watch over one link, both directions.
 *
 *     watcher's side                         watched side
 *     watch      -- Watch -->                cell.watch
 *                <-- Watching --
 *                <-- Terminated --           the cell ended
 *     terminated -- Unwatch -->              forgotten
 *
 * `Terminated` is in the data lane, behind what the actor had told actors of the peer. On a link that may lose frames, `repeat` sends every unanswered message again.
 */
export class RemoteWatches {
  readonly #send: Send;
  readonly #actors: WatchedActors;
  readonly #isReliable: () => boolean;
  readonly #watched = new Map<bigint, WatchEntry>();
  /** Watched actors of which the peer has not confirmed that it watches them. */
  readonly #unconfirmed = new Set<bigint>();
  /** Actors here that the peer watches, with the watcher that represents the peer. */
  readonly #served = new Map<bigint, { readonly cell: Cell; readonly watcher: Watcher }>();
  /** Actors here whose end the peer has not confirmed. Empty on a reliable link, where the peer does not have to. */
  readonly #ended = new RecentMap<bigint, EnvelopeError | undefined>(limits.linkEndedWatches);

  constructor(send: Send, actors: WatchedActors, isReliable: () => boolean) {
    this.#send = send;
    this.#actors = actors;
    this.#isReliable = isReliable;
  }

  get size(): number {
    return this.#watched.size + this.#served.size + this.#ended.size;
  }

  get needsRepeat(): boolean {
    return this.#ended.size > 0 || this.#unconfirmed.size > 0;
  }

  watch(route: Route, watcher: Watcher): void {
    const cUid = route.cUid;
    let watched = this.#watched.get(cUid);
    if (watched === undefined) {
      watched = { watchers: new Map() };
      this.#watched.set(cUid, watched);
      this.#unconfirmed.add(cUid);
      this.#send({ case: 'watch', value: { cUid } });
    }
    const routeWatchers = watched.watchers.get(route);
    if (routeWatchers === undefined) {
      watched.watchers.set(route, new Set([watcher]));
    } else {
      routeWatchers.add(watcher);
    }
    if (!this.#unconfirmed.has(cUid)) watcher.confirmed?.();
  }

  unwatch(route: Route, watcher: Watcher): void {
    const { cUid } = route;
    const watched = this.#watched.get(cUid);
    const routeWatchers = watched?.watchers.get(route);
    if (watched === undefined || routeWatchers?.delete(watcher) !== true || routeWatchers.size > 0) {
      return;
    }
    watched.watchers.delete(route);
    if (watched.watchers.size === 0) {
      this.#watched.delete(cUid);
      this.#unconfirmed.delete(cUid);
      this.#send({ case: 'unwatch', value: { cUid } });
    }
  }

  // ---- messages from the peer

  onWatch(cUid: bigint): void {
    const cell = this.#actors.resolve(cUid);
    if (cell === undefined) {
      this.#send({ case: 'terminated', value: { cUid, cause: wireCause(this.#actors.endCauseOf(cUid)) } });
      return;
    }
    this.#send({ case: 'watching', value: { cUid } });
    if (!this.#served.has(cUid)) {
      const watcher: Watcher = { terminated: (_cell, _reason, cause) => this.#servedEnded(cUid, cause) };
      this.#served.set(cUid, { cell, watcher });
      cell.watch(watcher);
    }
  }

  onWatching(cUid: bigint): void {
    this.#unconfirmed.delete(cUid);
    for (const watchers of this.#watched.get(cUid)?.watchers.values() ?? []) {
      for (const watcher of watchers) watcher.confirmed?.();
    }
  }

  onUnwatch(cUid: bigint): void {
    this.#ended.delete(cUid);
    const served = this.#served.get(cUid);
    if (served !== undefined) {
      this.#served.delete(cUid);
      served.cell.unwatch(served.watcher);
    }
  }

  onTerminated(cUid: bigint, cause: EnvelopeError | undefined): void {
    this.#send({ case: 'unwatch', value: { cUid } });
    if (cause === undefined) this.#notify(cUid, 'stopped');
    else this.#notify(cUid, 'failed', fromWire(cause));
  }

  repeat(): void {
    for (const cUid of this.#unconfirmed) {
      this.#send({ case: 'watch', value: { cUid } });
    }
    for (const [cUid, cause] of this.#ended) {
      this.#send({ case: 'terminated', value: { cUid, cause } });
    }
  }

  /** What is watched here is watched over another link from now on: returns it, and forgets it. */
  take(): readonly (readonly [Route, Watcher])[] {
    const taken = [...this.#watched.values()].flatMap(({ watchers }) =>
      [...watchers].flatMap(([route, each]) => [...each].map((watcher) => [route, watcher] as const)),
    );
    this.#watched.clear();
    this.#unconfirmed.clear();
    return taken;
  }

  /** The link has ended: every actor that is watched over it is unreachable. */
  close(): void {
    for (const { cell, watcher } of this.#served.values()) {
      cell.unwatch(watcher);
    }
    this.#served.clear();
    this.#ended.clear();
    for (const cUid of this.#watched.keys()) {
      this.#notify(cUid, 'unreachable');
    }
  }

  #servedEnded(cUid: bigint, error: Error | undefined): void {
    const cause = wireCause(error);
    this.#served.delete(cUid);
    this.#remember(cUid, cause);
    this.#send({ case: 'terminated', value: { cUid, cause } });
  }

  /** A peer that confirms nothing loses the oldest: it has been sent them many times. */
  #remember(cUid: bigint, cause: EnvelopeError | undefined): void {
    if (this.#isReliable()) return;
    this.#ended.set(cUid, cause);
  }

  #notify(cUid: bigint, reason: TerminationReason, cause?: Error): void {
    const watched = this.#watched.get(cUid);
    this.#watched.delete(cUid);
    this.#unconfirmed.delete(cUid);
    for (const [route, watchers] of watched?.watchers ?? []) {
      for (const watcher of watchers) {
        watcher.terminated(route, reason, cause);
      }
    }
  }
}

function wireCause(error: Error | undefined): EnvelopeError | undefined {
  return error && toWire(answeredError(error));
}
