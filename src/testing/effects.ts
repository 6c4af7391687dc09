import type { AnyBehavior, UntypedRef } from '../actors/kernel/index.js';
import type { Meta } from '../protocol/index.js';
import type { Timer } from '../scheduler/index.js';

/** One side effect of a behavior. Effects have the order in which they happened. */
export type Effect =
  | Told
  | Asked
  | Opened
  | {
      readonly kind: 'spawned';
      readonly name: string;
      readonly ref: UntypedRef;
      readonly behavior: AnyBehavior;
      /** Set where the spawn gives them. */
      readonly args?: unknown;
    }
  | {
      readonly kind: 'child stopped';
      readonly ref: UntypedRef;
      /** Set where it may first do its work: the time in ms that it has. */
      readonly drainMs?: number;
    }
  | { readonly kind: 'watched'; readonly ref: UntypedRef }
  | { readonly kind: 'unwatched'; readonly ref: UntypedRef }
  | {
      readonly kind: 'timer set';
      readonly timer: Timer;
      readonly delayMs: number;
      /** Undefined for a timer that fires once. */
      readonly periodMs: number | undefined;
    }
  | { readonly kind: 'timer cancelled'; readonly timer: Timer }
  | { readonly kind: 'idle timeout set'; readonly timeoutMs: number | undefined }
  | { readonly kind: 'stashed' }
  | { readonly kind: 'unstashed' }
  | { readonly kind: 'became'; readonly state: unknown }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly error: Error };

export interface Told {
  readonly kind: 'told';
  readonly to: UntypedRef;
  /** Name of the rpc, as on the reference. */
  readonly method: string;
  /** With defaults filled in. */
  readonly message: unknown;
  readonly meta: Meta | undefined;
}

/** A stream that was opened by its first read. Its elements are the answer of the probe. */
export interface Opened {
  readonly kind: 'opened';
  readonly to: UntypedRef;
  readonly method: string;
  /** An async iterable of the requests, where the rpc streams them. */
  readonly message: unknown;
  readonly meta: Meta | undefined;
  readonly timeoutMs: number | undefined;
  readonly windowItems: number | undefined;
}

/** An ask. It waits until the test or the probe answers it. */
export interface Asked {
  readonly kind: 'asked';
  readonly to: UntypedRef;
  readonly method: string;
  /** An async iterable of the requests, where the rpc streams them. The source is told to stop when the ask is answered. */
  readonly message: unknown;
  readonly meta: Meta | undefined;
  readonly timeoutMs: number | undefined;
  /** Replies with `value`, with defaults filled in. Only the first `reply` or `fail` has an effect. */
  reply(value: unknown): void;
  fail(error: Error): void;
}
