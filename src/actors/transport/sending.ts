import type { MillraceError } from '../../errors.js';
import { type AnyMethod, type EnvelopeHeader, type Lane, type MessageType, v1 } from '../../protocol/index.js';
import { isInfrastructure } from '../kernel/index.js';
import type { Expirable } from './queued-frame.js';

/** An envelope that goes out, and may have to wait. */
export interface Sending {
  readonly header: EnvelopeHeader;
  readonly type: MessageType<unknown, unknown> | undefined;
  readonly message: unknown;
  readonly lane: Lane;
  readonly isReserved: boolean;
  /** The call that it starts, where that has a deadline. */
  readonly call?: Expirable | undefined;
  /** Called before it is sent later: brings its header up to date. False when nobody waits for it any more. */
  readonly renewed?: ((header: EnvelopeHeader) => boolean) | undefined;
  /** Envelopes with the same key keep their order. */
  readonly key: unknown;
  /** A tell, which is a dead letter when its link ends before it was sent. */
  readonly tell?: { readonly cUid: bigint; readonly method: AnyMethod } | undefined;
  /** It cannot be sent: there was no memory in time, or it is too large for a frame. Called instead of sending it. */
  readonly failed: (error: MillraceError) => void;
}

/** The runtime's own messages keep their fields: those that carry fields are among them. An element of a port is a message of a user. */
export function isCarrier(type: MessageType<unknown, unknown> | undefined): boolean {
  return type !== undefined && isInfrastructure(type.typeName) && type.typeName !== v1.Element.typeName;
}

/** A call whose envelope may be dropped from a queued frame: then its receiver is asked whether it holds the fields, and does not. */
export function droppable(call: Expirable, dropped: () => void): Expirable {
  return {
    get deadlineMs() {
      return call.deadlineMs;
    },
    get isSettled() {
      return call.isSettled;
    },
    dropped,
  };
}
