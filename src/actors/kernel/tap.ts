import type { AnyMethod } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { AnyBehavior } from './behavior.js';
import type { SendOptions } from './call.js';
import type { UntypedRef } from './reference.js';

/** Hears what happens at the edges of actors: what recorders are made of. Where none is set it costs nothing. */
export interface Tap {
  /** The scheduler on which everything runs: the one given, or one around it. Called once, before any actor is. */
  scheduler(scheduler: Scheduler): Scheduler;
  /** An actor is about to start at `path`. Returns the behavior that runs: the one given, or one around it. */
  spawned(path: string, behavior: AnyBehavior): AnyBehavior;
  /** A message leaves through a reference of this system. */
  told(to: UntypedRef, method: AnyMethod, message: unknown, options: SendOptions | undefined): void;
  /** As `told`; `reply` settles as the asker sees it. */
  asked(
    to: UntypedRef,
    method: AnyMethod,
    message: unknown,
    options: SendOptions | undefined,
    reply: Promise<unknown>,
  ): void;
}
