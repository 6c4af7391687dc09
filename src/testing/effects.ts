import type { AnyBehavior, UntypedRef } from '../actors/kernel/index.js';
import type { Meta } from '../protocol/index.js';
import type { Timer } from '../scheduler/index.js';

/** One thing that a behavior did to the world, in the order in which it did them. */
export type Effect =
  | Told
  | Asked
  | Opened
  | { readonly kind: 'spawned'; readonly name: string; readonly ref: UntypedRef; readonly behavior: AnyBehavior }
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
  /** Filled: every field is there. */
  readonly message: unknown;
  readonly meta: Meta | undefined;
}

/** A stream that was read; its elements are what its probe answers. */
export interface Opened {
  readonly kind: 'opened';
  readonly to: UntypedRef;
  readonly method: string;
  readonly message: unknown;
  readonly meta: Meta | undefined;
  readonly timeoutMs: number | undefined;
  readonly windowItems: number | undefined;
}

/** An ask that waits until the test answers it; one that its probe answers is recorded all the same. */
export interface Asked {
  readonly kind: 'asked';
  readonly to: UntypedRef;
  readonly method: string;
  readonly message: unknown;
  readonly meta: Meta | undefined;
  readonly timeoutMs: number | undefined;
  /** Defaults are filled in. Whoever settles an ask first has settled it. */
  reply(value: unknown): void;
  fail(error: Error): void;
}
