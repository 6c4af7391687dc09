import type { AnyMethod } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { AnyBehavior } from './behavior.js';
import type { UntypedRef } from './reference.js';
import type { Stream } from './stream.js';

/** Hears what happens at the edges of actors: what recorders are made of. Where none is set it costs nothing. */
export interface Tap {
  /** The scheduler on which everything runs: the one given, or one around it. Called once, before any actor is. */
  scheduler(scheduler: Scheduler): Scheduler;
  /** An actor is about to start at `path`. Returns the behavior that runs: the one given, or one around it. */
  spawned(path: string, behavior: AnyBehavior): AnyBehavior;
  /** A message leaves through a reference of this system. It is as its sender gave it: defaults may be missing. */
  told(to: UntypedRef, method: AnyMethod, message: unknown): void;
  /** As `told`; `reply` settles as the asker sees it. */
  asked(to: UntypedRef, method: AnyMethod, message: unknown, reply: Promise<unknown>): void;
  /** As `told`, for a streaming rpc. Returns the stream that its caller reads: the one given, or one around it. */
  streamed(to: UntypedRef, method: AnyMethod, message: unknown, stream: Stream<unknown>): Stream<unknown>;
}
