import { Refusal } from '../../errors.js';
import type { AnyService } from '../../protocol/index.js';
import type { Behavior, Lifecycle } from '../kernel/index.js';
import type { Term } from './election.js';
import { DEPOSED } from './server-state.js';

/**
 * The behavior of a control plane server that serves no longer than its lease. It looks at the clock at each message, so a process that
 * was stopped for a while does not serve when it goes on. What it refuses, the client sends to the next leader.
 */
export function whileHeld<S extends AnyService, State>(served: Behavior<S, State>, term: Term): Behavior<S, State> {
  const handlers = [...served.handlers].map(
    ([method, handle]) =>
      [
        method,
        (...[state, request, context]: Parameters<typeof handle>) => {
          if (!term.isHeld) throw lapsed(term);
          return handle(state, request, context);
        },
      ] as const,
  );
  const on: Lifecycle<State> = {
    ...served.on,
    // A process that has ended while another leader served is retired by that leader.
    terminated: (state, event, context) => (term.isHeld ? served.on.terminated?.(state, event, context) : undefined),
  };
  return { ...served, handlers: new Map(handlers), on };
}

/** The client looks for the next leader. */
function lapsed({ epoch }: Term): Refusal {
  return new Refusal(
    DEPOSED,
    `The control plane of epoch ${epoch} is served no longer: the lease of its process has ended. Another process serves it, or will.`,
  );
}
