import type { UntypedRef } from './untyped-ref.js';
import { type Route, type TerminationReason, type Watcher, routeKey } from './route.js';
import type { SignalLane } from './timers.js';
import { innermostRoute } from './wrapped-asks.js';

/** The signals of an actor, and those that come after the messages that it has accepted before. */
interface OrderedLane extends SignalLane {
  signalInOrder(turn: () => unknown): void;
}

/** The actors that one actor watches. */
export class Watching implements Watcher {
  readonly #refs = new Map<Route, UntypedRef>();
  readonly #notify: (ref: UntypedRef, reason: TerminationReason, cause: Error | undefined) => unknown;
  readonly #lane: OrderedLane;

  /** `notify` is called in a turn of the actor, through `lane`. */
  constructor(
    lane: OrderedLane,
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
    const turn = (): unknown => {
      const ref = this.#refs.get(route);
      if (ref === undefined) return undefined;
      this.#refs.delete(route);
      return this.#notify(ref, reason, cause);
    };
    // What the actor had sent before its end comes first. Nothing more comes over a link that is lost.
    if (reason === 'unreachable') this.#lane.signal(turn);
    else this.#lane.signalInOrder(turn);
  }
}
