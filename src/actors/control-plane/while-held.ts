import { Refusal } from '../../errors.js';
import type { AnyService } from '../../protocol/index.js';
import { type Behavior, later, laterReply, type Lifecycle } from '../kernel/index.js';
import type { LeaderLease } from './election.js';
import { DEPOSED } from './state/index.js';

/**
 * The behavior of a control plane server that serves no longer than its lease. It looks at the clock at each message and at each reply that
 * follows later, so a process that was stopped for a while does not serve when it goes on. What it refuses, the client sends to the next leader.
 */
export function whileHeld<S extends AnyService, State>(
  served: Behavior<S, State>,
  lease: LeaderLease,
): Behavior<S, State> {
  // What has waited may fail because another leader serves: the error counts no more than a reply.
  const answer = (reply: unknown): unknown => {
    if (!lease.isHeld) throw lapsed(lease);
    return reply;
  };
  const refuse = (error: unknown): never => {
    throw lease.isHeld ? error : lapsed(lease);
  };
  const handlers = [...served.handlers].map(
    ([method, handle]) =>
      [
        method,
        (...[state, request, context]: Parameters<typeof handle>) => {
          if (!lease.isHeld) throw lapsed(lease);
          const reply = handle(state, request, context);
          const awaited = laterReply(reply);
          return awaited === undefined ? reply : later(awaited.then(answer, refuse));
        },
      ] as const,
  );
  const on: Lifecycle<State> = {
    ...served.on,
    // A process that has ended while another leader served is retired by that leader.
    terminated: (state, event, context) => (lease.isHeld ? served.on.terminated?.(state, event, context) : undefined),
  };
  return { ...served, handlers: new Map(handlers), on };
}

/** The client looks for the next leader. */
function lapsed({ epoch }: LeaderLease): Refusal {
  return new Refusal(
    DEPOSED,
    `The control plane of epoch ${epoch} is served no longer: the lease of its process has ended. Another process serves it, or will.`,
  );
}
