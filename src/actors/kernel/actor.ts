import type { ActorNode } from './actor-node.js';
import type { Caller } from './call.js';
import type { ColdState } from './cold-state.js';
import type { Delivery } from './delivery.js';
import type { Kernel } from './kernel.js';
import type { AnyMethod } from '../../protocol/index.js';

/** What failed: the handling of a message, a timer or hook, or the actor itself: its start, `ctx.fail`, a child that escalates. */
export type FailedWork = 'message' | 'hook' | 'actor';

/**
 * One actor, as the parts of the kernel that act on it see it. ActorCell is the actor: its layers have the state, and change it only by what
 * is named here.
 */
export interface Actor extends ActorNode, Caller {
  readonly path: string;
  readonly kernel: Kernel;
  readonly children: ReadonlyMap<string, Actor>;
  readonly pending: Promise<unknown> | undefined;
  readonly cold: ColdState | undefined;
  readonly isOpen: boolean;
  readonly hasMessages: boolean;
  /** It runs, and nothing waits for what it is doing. */
  readonly isQuiet: boolean;
  coldState(): ColdState;
  /** As `signal`, after the messages that it has accepted before. */
  signalInOrder(turn: () => unknown): void;
  /** The message of this delivery is handled from now on; undefined: none is. */
  handles(delivery: Delivery | undefined): void;
  /** Lets the handler of a message run that has left the mailbox. */
  dispatch(method: AnyMethod, message: unknown, delivery: Delivery | undefined): void;
  /** Takes no turn until `work` settles; `answer` gets its value. `what` names the work in logs. */
  suspend(work: Promise<unknown>, what: string, answer: (value: unknown) => void, failed?: FailedWork): void;
  /** The handler of `call` goes on: its promise holds the mailbox again. */
  handlesOn(call: Delivery, work: Promise<unknown>): void;
  /** The handler that is pending holds the mailbox no longer. */
  release(): void;
  /**
   * A handler, timer or hook threw, or rejected: answers the ask being handled, and follows the supervision. `during` names the failed code in
   * logs.
   */
  fail(cause: unknown, during: string, work: FailedWork): void;
  /** Puts the next step of a message that was accepted before into the mailbox. False when the actor is not running. */
  queueTurn(method: AnyMethod, step: Delivery): boolean;
  /** The message being handled is stashed when its handler is done. Throws BackpressureError when the stash is full. */
  stash(): void;
  /** Moves stashed messages to the front of the mailbox; where the message being handled will be stashed, when that has happened. */
  unstash(): void;
  become(state: unknown): void;
  /** A child of it has ended. */
  childEnded(child: Actor): void;
}
