import type { SupervisionContext } from './context.js';
import type { Ref } from './reference.js';

/** The possible results of nact's `onCrash`; each is a property of its context. */
export interface Verdicts {
  /** Stops the actor. */
  readonly stop: symbol;
  /** Stops the actor and its siblings. */
  readonly stopAll: symbol;
  /** Stops the child whose failure escalated. */
  readonly stopChild: symbol;
  readonly stopAllChildren: symbol;
  /** Lets the parent decide. */
  readonly escalate: symbol;
  /** The actor continues with its state. */
  readonly resume: symbol;
  /** Restarts the actor; it keeps its mailbox, its children stop. */
  readonly reset: symbol;
  readonly resetAll: symbol;
  readonly resetChild: symbol;
  readonly resetAllChildren: symbol;
}

export const verdicts: Verdicts = {
  stop: Symbol.for('millrace.nact.stop'),
  stopAll: Symbol.for('millrace.nact.stopAll'),
  stopChild: Symbol.for('millrace.nact.stopChild'),
  stopAllChildren: Symbol.for('millrace.nact.stopAllChildren'),
  escalate: Symbol.for('millrace.nact.escalate'),
  resume: Symbol.for('millrace.nact.resume'),
  reset: Symbol.for('millrace.nact.reset'),
  resetAll: Symbol.for('millrace.nact.resetAll'),
  resetChild: Symbol.for('millrace.nact.resetChild'),
  resetAllChildren: Symbol.for('millrace.nact.resetAllChildren'),
};

/**
 * Decides on an actor that failed, or on a `child` whose failure escalated. `msg` is undefined when the failure did not happen in the
 * handler of a message.
 */
export type SupervisionActorFunc<Msg, ParentRef, ChildRef = Ref<unknown>> = (
  msg: Msg | undefined,
  err: Error,
  ctx: SupervisionContext<Msg, ParentRef>,
  child: ChildRef | undefined,
) => symbol | Promise<symbol>;
