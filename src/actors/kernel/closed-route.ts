import { type MillraceError, StoppedError, UnreachableError } from '../../errors.js';
import type { AnyMethod, Ref } from '../../protocol/index.js';
import { type DescribedActor, describeActor } from './actor-path.js';
import type { AskMeter } from './ask-meter.js';
import type { DeadLetterOffice } from './dead-letters.js';
import type { StreamOptions } from './call.js';
import { FailedStream, type Stream } from './stream.js';
import type { LaterCall, Room, Route, Watcher } from './route.js';

/** What the route needs of its system. */
export interface ClosedRouteServices {
  readonly deadLetters: DeadLetterOffice;
  readonly asks: AskMeter;
  readonly paths: { pathOf(cUid: bigint): string | undefined };
}

/** What is known of an actor that has ended. */
export type ClosedReason = 'stopped' | 'unreachable';

/** The route to an actor that is known to have ended: tells become dead letters, everything else fails at once. */
export class ClosedRoute implements Route {
  readonly cUid: bigint;
  readonly incarnation: bigint;
  readonly #actor: DescribedActor;
  readonly #reason: ClosedReason;
  readonly #services: ClosedRouteServices;
  readonly #cause: Error | undefined;

  /** `cause` is the error that ended the actor, where it ended by a failure. */
  constructor({ cUid, service, incarnation }: Ref, reason: ClosedReason, services: ClosedRouteServices, cause?: Error) {
    this.cUid = cUid;
    this.#actor = { cUid, service };
    this.incarnation = incarnation;
    this.#reason = reason;
    this.#services = services;
    this.#cause = cause;
  }

  get path(): string {
    return this.#services.paths.pathOf(this.cUid) ?? describeActor(this.#actor);
  }

  tell(method: AnyMethod, message: unknown): boolean {
    this.#services.deadLetters.add(this, method.fullName, message, this.#reason);
    return false;
  }

  ask(method: AnyMethod): Promise<unknown> {
    return this.#services.asks.refuse(this.#error(method.fullName));
  }

  stream(method: AnyMethod): Stream<unknown> {
    return new FailedStream(this.#error(method.fullName));
  }

  ready(): Promise<void> {
    return Promise.reject(this.#error('ready'));
  }

  get room(): Room {
    return 'closed';
  }

  inherit(_method: AnyMethod, options: StreamOptions | undefined): LaterCall {
    return { options, byMs: undefined };
  }

  watch(watcher: Watcher): void {
    if (this.#cause === undefined) watcher.terminated(this, this.#reason);
    else watcher.terminated(this, 'failed', this.#cause);
  }

  unwatch(): void {}

  #error(what: string): MillraceError {
    return this.#reason === 'stopped'
      ? new StoppedError(`${what}: ${this.path} has stopped`)
      : new UnreachableError(`${what}: the process of ${this.path} cannot be reached`);
  }
}
