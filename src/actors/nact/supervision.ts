import type { SupervisionContext } from './context.js';
import type { Ref } from './reference.js';

/** What nact's `onCrash` decides with; each is a property of the context that it is given. */
export interface Verdicts {
  /** The actor ends. */
  readonly stop: symbol;
  /** The actor and its peers end. */
  readonly stopAll: symbol;
  /** The child whose failure came up ends. */
  readonly stopChild: symbol;
  readonly stopAllChildren: symbol;
  /** The parent decides. */
  readonly escalate: symbol;
  /** The actor goes on with its state. */
  readonly resume: symbol;
  /** The actor begins anew; its mailbox stays, its children end. */
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
 * Decides what becomes of an actor that failed, or of a `child` whose failure escalated. `msg` is undefined when it failed outside any
 * message.
 */
export type SupervisionActorFunc<Msg, ParentRef> = (
  msg: Msg | undefined,
  err: Error,
  ctx: SupervisionContext<Msg, ParentRef>,
  child: Ref<unknown> | undefined,
) => symbol | Promise<symbol>;
