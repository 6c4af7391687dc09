import type { AnyMethod } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { AnyBehavior } from './behavior.js';
import type { UntypedRef } from './untyped-ref.js';
import type { Stream } from './stream.js';

/** Intercepts the scheduler, and the messages that actors receive and send; a recorder is one. Costs nothing where none is set. */
export interface Interceptor {
  /** Returns the scheduler that everything runs on: the given one, or a wrapper of it. Called once, before any actor starts. */
  scheduler(scheduler: Scheduler): Scheduler;
  /** An actor is about to start at `path`. Returns its behavior: the given one, or a wrapper of it. */
  spawned(path: string, behavior: AnyBehavior): AnyBehavior;
  /** A message is sent through a reference of this system. It is as its sender passed it: defaults may be missing. For streamed requests it is what `onRequests` returned. */
  onTell(to: UntypedRef, method: AnyMethod, message: unknown): void;
  /** As `onTell`; `reply` is the promise that the caller gets. */
  onAsk(to: UntypedRef, method: AnyMethod, message: unknown, reply: Promise<unknown>): void;
  /** Requests are about to be sent: `source` is what the caller gave. Returns the source to take: the given one, or a wrapper of it. */
  onRequests(to: UntypedRef, method: AnyMethod, source: unknown): unknown;
  /** As `onTell`, for a streaming rpc. Returns the stream that the caller reads: the given one, or a wrapper of it. */
  onStream(to: UntypedRef, method: AnyMethod, message: unknown, stream: Stream<unknown>): Stream<unknown>;
}
