import type { ActorNode } from './actor-node.js';
import type { LateAskObserver } from './deadlines.js';
import type { Directive } from './supervision.js';

/** Is told what the actors of one system do, while somebody watches them. A system without an observer measures nothing for it. */
export interface ActorObserver extends LateAskObserver {
  /** An actor has taken turns for `ms`, and handled so many messages. Called at most once for each slice of its turn. `actor` is its ActorNode. */
  tookTurn(actor: object, messages: number, ms: number): void;
  started(actor: ActorNode): void;
  stopped(actor: ActorNode): void;
  /** A handler, timer or hook has failed, and its supervision has decided. */
  failed(actor: ActorNode, error: Error, directive: Directive): void;
  /** A handler or hook waits for a promise, and the mailbox with it. */
  awaits(actor: ActorNode, what: string): void;
}
