import type { UntypedRef } from './untyped-ref.js';
import { type Route, type TerminationReason, type Watcher, routeKey } from './route.js';
import type { SignalLane } from './timers.js';
import { innermostRoute } from './wrapped-asks.js';

/** The actors that one actor watches. */
export class Watching implements Watcher {
  readonly #refs = new Map<Route, UntypedRef>();
  readonly #notify: (ref: UntypedRef, reason: TerminationReason, cause: Error | undefined) => unknown;
  readonly #lane: SignalLane;

  /** `notify` is called in a turn of the actor, through `lane`. */
  constructor(
    lane: SignalLane,
    notify: (ref: UntypedRef, reason: TerminationReason, cause: Error | undefined) => unknown,
  ) {
    this.#lane = lane;
    this.#notify = notify;
  }

  add(ref: UntypedRef): void {
    const route = innermostRoute(ref[routeKey]);
    if (this.#refs.has(route)) return;
    this.#refs.set(route, ref);
    route.watch(this);
  }

  remove(ref: UntypedRef): void {
    const route = innermostRoute(ref[routeKey]);
    if (this.#refs.delete(route)) route.unwatch(this);
  }

  clear(): void {
    for (const route of this.#refs.keys()) route.unwatch(this);
    this.#refs.clear();
  }

  terminated(route: Route, reason: TerminationReason, cause?: Error): void {
    this.#lane.signal(() => {
      const ref = this.#refs.get(route);
      if (ref === undefined) return undefined;
      this.#refs.delete(route);
      return this.#notify(ref, reason, cause);
    });
  }
}
