import type { Logger } from '../../logging/index.js';
import { limits } from '../../limits.js';
import type { AnyMethod } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { AskMeter } from './ask-meter.js';
import { type AskOptions, inheritanceOf, type SendOptions, type StreamOptions } from './call.js';
import { Pauses } from './pauses.js';
import type { ReadyOptions } from './ready-wait.js';
import type { LaterCall, Room, Route, Watcher } from './route.js';
import type { Stream } from './stream.js';

// A reference whose asks are made in another way: again after a failure, or not at all while its actor fails. It is a reference as any
// other: its tells, its streams and what it says of its actor are those of the reference that it wraps.

/** What wrappers of references need of the system. */
export interface CallServices {
  readonly now: () => number;
  /** A number in [0, 1), of a stream of its own. */
  readonly jitter: () => number;
  /** They end with the system. */
  readonly pauses: Pauses;
  readonly asks: AskMeter;
  /** For what the functions of the user throw. */
  readonly log: Logger;
  /** Time for the reply to an ask that states none, in ms. */
  readonly askTimeoutMs: number;
}

export function callServices(
  scheduler: Scheduler,
  log: Logger,
  askTimeoutMs: number = limits.askTimeoutMs,
  asks: AskMeter = new AskMeter(scheduler),
): CallServices {
  const now = (): number => scheduler.now();
  return { now, jitter: scheduler.fork('retries'), pauses: new Pauses(scheduler), asks, log, askTimeoutMs };
}

/** What a wrapper asks: an actor, or a group of actors. */
export interface AskTarget {
  /** For errors and events. */
  readonly name: string;
  /** The next ask may reach another actor. */
  readonly hasOthers: boolean;
  ask(method: AnyMethod, message: unknown, options: AskOptions | undefined): Promise<unknown>;
  /** As `Route.inherit`. */
  inherit(method: AnyMethod, options: AskOptions | undefined): LaterCall;
}

/** An ask with a message whose defaults are filled in. */
export type WrappedAsk = (method: AnyMethod, message: unknown, options: AskOptions | undefined) => Promise<unknown>;

/** Makes the asks of one reference. */
export type AskWrapper = (target: AskTarget, services: CallServices) => WrappedAsk;

/** Property of references of actors and of groups: the same reference, whose asks are made by the wrapper. */
export const wrapAsksKey: unique symbol = Symbol.for('millrace.wrap-asks');

/** A reference of an actor or of a group. */
export interface Wrappable {
  readonly [wrapAsksKey]: (wrapper: AskWrapper) => object;
}

/** Scheduler time by which an ask with these options, which `inherit` has returned, must be over. */
export function deadlineOfAsk(options: AskOptions | undefined, { now, askTimeoutMs }: CallServices): number {
  const inheritedMs = inheritanceOf(options)?.delivery?.deadlineMs ?? Number.POSITIVE_INFINITY;
  return Math.min(now() + (options?.timeoutMs ?? askTimeoutMs), inheritedMs);
}

/** The route of a wrapped reference. */
export class WrappedRoute implements Route {
  readonly inner: Route;
  readonly ask: WrappedAsk;

  constructor(inner: Route, name: string, wrapper: AskWrapper, services: CallServices) {
    this.inner = inner;
    const target: AskTarget = {
      name,
      hasOthers: false,
      ask: (method, message, options) => inner.ask(method, message, options),
      inherit: (method, options) => inner.inherit(method, options),
    };
    this.ask = wrapper(target, services);
  }

  get cUid(): bigint {
    return this.inner.cUid;
  }

  get incarnation(): bigint {
    return this.inner.incarnation;
  }

  get room(): Room {
    return this.inner.room;
  }

  tell(method: AnyMethod, message: unknown, options: SendOptions | undefined): boolean {
    return this.inner.tell(method, message, options);
  }

  stream(method: AnyMethod, message: unknown, options: StreamOptions | undefined): Stream<unknown> {
    return this.inner.stream(method, message, options);
  }

  ready(options?: ReadyOptions, byMs?: number): Promise<void> {
    return this.inner.ready(options, byMs);
  }

  inherit(method: AnyMethod, options: StreamOptions | undefined): LaterCall {
    return this.inner.inherit(method, options);
  }

  watch(watcher: Watcher): void {
    this.inner.watch(watcher);
  }

  unwatch(watcher: Watcher): void {
    this.inner.unwatch(watcher);
  }
}

/** The route to the actor itself, below all wrappers. */
export function innermostRoute(route: Route): Route {
  let inner = route;
  while (inner instanceof WrappedRoute) inner = inner.inner;
  return inner;
}
