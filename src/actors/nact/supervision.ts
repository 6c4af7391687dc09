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
  stop: Symbol('stop'),
  stopAll: Symbol('stopAll'),
  stopChild: Symbol('stopChild'),
  stopAllChildren: Symbol('stopAllChildren'),
  escalate: Symbol('escalate'),
  resume: Symbol('resume'),
  reset: Symbol('reset'),
  resetAll: Symbol('resetAll'),
  resetChild: Symbol('resetChild'),
  resetAllChildren: Symbol('resetAllChildren'),
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
