import { MillraceError } from '#src/errors.js';

/** One decoder of bytes from others, and how to feed it. */
export interface Target {
  /** The bytes from which its mutations begin, when there is no corpus yet: what an honest peer or user writes. */
  readonly seeds: () => readonly Uint8Array[] | Promise<readonly Uint8Array[]>;
  /** Words of its grammar that a mutation inserts. */
  readonly words?: readonly (string | Uint8Array)[];
  /**
   * Decodes, and checks what must hold of the result. It may throw a MillraceError: the input was refused. Any other error is a finding.
   * One that returns a promise has one input at a time.
   */
  readonly feed: (bytes: Uint8Array) => void | Promise<void>;
  /** Ends what it has started. */
  readonly close?: () => Promise<void>;
}

/** What a target finds wrong in a result. */
export class Finding extends Error {
  override readonly name = 'Finding';
}

export function holds(isTrue: boolean, what: string): asserts isTrue {
  if (!isTrue) throw new Finding(what);
}

/** Undefined where the input was refused, or all is well; otherwise what is wrong. */
export async function trial(target: Target, bytes: Uint8Array): Promise<unknown> {
  try {
    await target.feed(bytes);
    return undefined;
  } catch (error) {
    return error instanceof MillraceError ? undefined : error;
  }
}
