import type { Abortable } from '../abort-listeners.js';
import { AskAbortedError, AskTimeoutError, type MillraceError, ProtocolError, UnreachableError } from '../errors.js';
import type { Timer } from '../scheduler/index.js';
import { checkAskOptions, type ClientAskOptions } from './call-options.js';
import type { Frame, PendingCall } from './calls-in-flight.js';
import type { Session } from './session.js';

/** What is asked: the frame, and what its reply means. */
export interface Question<Reply> {
  /** For errors. */
  readonly what: string;
  open(call: number, timeoutMs: number): Frame;
  /** Throws ProtocolError when the reply is malformed. */
  read(message: Uint8Array): Reply;
}

/** Asks one question. Rejects with a MillraceError: of its own deadline, of the connection, or of the gateway. */
export function ask<Reply>(session: Session, question: Question<Reply>, options?: ClientAskOptions): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { timeoutMs } = checkAskOptions(question.what, options);
    new AskCall(session, question, { resolve, reject }).start(timeoutMs, options?.signal);
  });
}

interface Settle<Reply> {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

class AskCall<Reply> implements PendingCall, Abortable {
  call = 0;
  readonly #session: Session;
  readonly #question: Question<Reply>;
  readonly #settle: Settle<Reply>;
  #deadlineMs = 0;
  #timer: Timer | undefined;
  #signal: AbortSignal | undefined;

  constructor(session: Session, question: Question<Reply>, settle: Settle<Reply>) {
    this.#session = session;
    this.#question = question;
    this.#settle = settle;
  }

  start(timeoutMs: number, signal: AbortSignal | undefined): void {
    const { clock, signals } = this.#session;
    if (signal?.aborted === true) return this.#settle.reject(this.#abortedError(signal));
    this.#deadlineMs = clock.now() + timeoutMs;
    this.#session.call(this);
    this.#timer = clock.setTimer(timeoutMs, () => this.#expire(timeoutMs));
    this.#signal = signal;
    if (signal !== undefined) signals.add(signal, this);
  }

  open(call: number): Frame {
    return this.#question.open(call, Math.max(1, Math.ceil(this.#deadlineMs - this.#session.clock.now())));
  }

  reply(message: Uint8Array): void {
    this.#end();
    try {
      this.#settle.resolve(this.#question.read(message));
    } catch (error) {
      this.#settle.reject(error);
    }
  }

  element(): void {
    this.#session.forget(this);
    this.fail(new ProtocolError(`${this.#question.what}: the gateway sent an element where a reply was expected.`));
  }

  end(): void {
    this.fail(new ProtocolError(`${this.#question.what}: the gateway sent no reply.`));
  }

  fail(error: MillraceError): void {
    this.#end();
    this.#settle.reject(error);
  }

  aborted(): void {
    this.#session.forget(this);
    this.fail(this.#abortedError(this.#signal));
  }

  #expire(timeoutMs: number): void {
    const { what } = this.#question;
    this.#session.forget(this);
    if (this.call === 0) {
      const why = `${what} was not sent within timeoutMs (${timeoutMs}): ${this.#session.whyUnsent()}`;
      this.fail(new UnreachableError(why, { isUnsent: true }));
    } else {
      this.fail(new AskTimeoutError(`${what} had no reply within timeoutMs (${timeoutMs}).`));
    }
  }

  #abortedError(signal: AbortSignal | undefined): AskAbortedError {
    const cause: unknown = signal?.reason;
    return new AskAbortedError(`${this.#question.what} was aborted by its caller.`, { cause });
  }

  #end(): void {
    if (this.#timer !== undefined) this.#session.clock.clearTimer(this.#timer);
    if (this.#signal !== undefined) this.#session.signals.remove(this.#signal, this);
  }
}
