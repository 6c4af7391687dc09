import type { MillraceError } from '../errors.js';
import type { AnyMethod } from '../protocol/index.js';
import { fromWire } from '../protocol/errors/index.js';
import type { v1 } from '../protocol/on-demand/index.js';

export type Frame = NonNullable<v1.ClientFrameInit['frame']>;

/** What a client waits for. `call` is its number on the connection; 0 until it was sent. */
export interface PendingCall {
  call: number;
  /** Its first frame, when there is a connection to send it. */
  open(call: number): Frame;
  reply(message: Uint8Array): void;
  element(message: Uint8Array, missed: number): void;
  end(): void;
  fail(error: MillraceError): void;
}

/** A tell that the gateway has refused, or whose connection was lost before it was known to be delivered. */
export interface UndeliveredTell {
  readonly method: AnyMethod;
  readonly error: MillraceError;
}

/** A frame that answers a call. */
export type AnswerFrame = Extract<v1.GatewayFrame['frame'], { readonly value: { readonly call: number } }>;

/** The calls that were sent over one connection, by their numbers. */
export class SentCalls {
  #last = 0;
  readonly #sent = new Map<number, PendingCall>();
  /** Tells that the gateway has neither given to their actors nor refused. */
  readonly #tells = new Map<number, AnyMethod>();

  get size(): number {
    return this.#sent.size;
  }

  get tells(): number {
    return this.#tells.size;
  }

  nextNumber(): number {
    return ++this.#last;
  }

  /** It was sent under its number. */
  add(pending: PendingCall): void {
    this.#sent.set(pending.call, pending);
  }

  told(call: number, method: AnyMethod): void {
    this.#tells.set(call, method);
  }

  /** Each connection numbers its calls anew. */
  has(pending: PendingCall): boolean {
    return this.#sent.get(pending.call) === pending;
  }

  /** Nobody waits for it any more. Returns false where it was not sent over this connection. */
  remove(pending: PendingCall): boolean {
    return this.has(pending) && this.#sent.delete(pending.call);
  }

  /** An answer to a call that nobody waits for is dropped, unless it is the failure of a tell. */
  answer(frame: AnswerFrame, undelivered: (tell: UndeliveredTell) => void): void {
    const { call } = frame.value;
    const pending = this.#sent.get(call);
    if (pending === undefined) {
      if (frame.case === 'failure') this.#refused(call, frame.value, undelivered);
      else if (frame.case === 'reply') this.#tells.delete(call);
      return;
    }
    if (frame.case === 'element') return pending.element(frame.value.message, frame.value.missed);
    this.#sent.delete(call);
    if (frame.case === 'reply') pending.reply(frame.value.message);
    else if (frame.case === 'end') pending.end();
    else pending.fail(errorIn(frame.value));
  }

  /** The connection is gone. */
  fail(error: MillraceError, undelivered: (tell: UndeliveredTell) => void): void {
    const calls = [...this.#sent.values()];
    const tells = [...this.#tells.values()];
    this.#sent.clear();
    this.#tells.clear();
    for (const pending of calls) pending.fail(error);
    for (const method of tells) undelivered({ method, error });
  }

  #refused(call: number, failure: v1.GatewayFailure, undelivered: (tell: UndeliveredTell) => void): void {
    const method = this.#tells.get(call);
    if (method === undefined) return;
    this.#tells.delete(call);
    undelivered({ method, error: errorIn(failure) });
  }
}

function errorIn({ error }: v1.GatewayFailure): MillraceError {
  return fromWire(error ?? { code: 'MILLRACE', message: 'The gateway gave no cause.', handlerCode: '' });
}
