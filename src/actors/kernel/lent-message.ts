import type { MessageType } from '../../protocol/index.js';
import { ActorContext } from './actor-context.js';
import { ArrivingMessage } from './arriving-message.js';
import { type HoldBytes, holdBytes } from './borrowing.js';
import type { Context } from './context.js';

const NONE: readonly Disposable[] = [];

/** A message of this partition with borrowed fields, whose memory is held until it is handled: the object itself, and its bytes as they are. */
class LentMessage extends ArrivingMessage {
  readonly #message: unknown;
  readonly #holds: readonly Disposable[];

  constructor(message: unknown, holds: readonly Disposable[]) {
    super();
    this.#message = message;
    this.#holds = holds;
  }

  override async open(): Promise<unknown> {
    return this.#message;
  }

  override dispose(): void {
    for (const hold of this.#holds) hold[Symbol.dispose]();
  }
}

/**
 * A message of this partition that its receiver may read when its sender has given up the memory of its bytes: blocks of pools, and what was lent to the
 * sender. The message itself where it needs nothing held. Throws ConsumedError for bytes that were given back already.
 */
export function lentMessage(type: MessageType<unknown, unknown>, message: unknown, holdOther: HoldBytes): unknown {
  if (type.borrows !== true || message instanceof ArrivingMessage) return message;
  const holds = heldIn(message, holdOther);
  return holds.length === 0 ? message : new LentMessage(message, holds);
}

function heldIn(message: unknown, holdOther: HoldBytes): readonly Disposable[] {
  const holds: Disposable[] = [];
  try {
    for (const bytes of bytesIn(message)) {
      const hold = holdBytes(bytes, holdOther);
      if (hold !== undefined) holds.push(hold);
    }
  } catch (error) {
    for (const hold of holds) hold[Symbol.dispose]();
    throw error;
  }
  return holds;
}

/**
 * Holds the memory of the borrowed fields of a message beyond its handler, which runs now. For a part of the runtime that keeps messages for others to read:
 * users have `ctx.retain`, which says who has lost what.
 */
export function holdFields(
  type: MessageType<unknown, unknown>,
  message: unknown,
  context: Context,
): readonly Disposable[] {
  if (type.borrows !== true || !(context instanceof ActorContext)) return NONE;
  return heldIn(message, context.holdBytes);
}

/** All bytes in a message. The items of a list are of one type, so that one item says whether there are any. */
function* bytesIn(value: unknown): Generator<Uint8Array> {
  if (typeof value !== 'object' || value === null) return;
  if (value instanceof Uint8Array) yield value;
  else if (Array.isArray(value)) {
    if (typeof value[0] === 'object') for (const item of value) yield* bytesIn(item);
  } else for (const item of value instanceof Map ? value.values() : Object.values(value)) yield* bytesIn(item);
}
