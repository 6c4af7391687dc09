import type { ActorNode } from '../kernel/index.js';

/** What a handler that waits for a promise is in, and for how long at least. */
export interface Awaited {
  /** Full name of its method, or what the hook is. Undefined where it has begun before the marks. */
  readonly what: string | undefined;
  readonly ms: number;
}

interface Await {
  readonly pending: Promise<unknown>;
  readonly what: string | undefined;
  readonly sinceMs: number;
}

interface Seen {
  readonly atMs: number;
  readonly handled: number;
  readonly queued: number;
}

/**
 * How long actors wait, as far as it was seen. No message has a mark of its own: a mailbox that had 5 messages at one look, of which 3 were handled since, has one that has
 * waited since that look.
 */
export class WaitMarks {
  readonly #awaits = new WeakMap<object, Await>();
  readonly #seen = new WeakMap<object, Seen>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  awaits(actor: ActorNode, what: string): void {
    const { pending } = actor;
    if (pending !== undefined) this.#awaits.set(actor, { pending, what, sinceMs: this.#now() });
  }

  awaited(actor: ActorNode): Awaited | undefined {
    const { pending } = actor;
    if (pending === undefined) return undefined;
    const nowMs = this.#now();
    let known = this.#awaits.get(actor);
    if (known?.pending !== pending) {
      // It has begun before the marks.
      known = { pending, what: undefined, sinceMs: nowMs };
      this.#awaits.set(actor, known);
    }
    return { what: known.what, ms: nowMs - known.sinceMs };
  }

  waitedMs(actor: ActorNode, handled: number): number {
    const { load: queued, bounds } = actor;
    // There, messages also leave the mailbox without a turn.
    if (queued === 0 || bounds.overflow === 'drop-oldest') return 0;
    const nowMs = this.#now();
    const seen = this.#seen.get(actor);
    if (seen !== undefined && handled - seen.handled < seen.queued) return nowMs - seen.atMs;
    this.#seen.set(actor, { atMs: nowMs, handled, queued });
    return 0;
  }
}
