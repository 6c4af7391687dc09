/**
 * Every error a user of Millrace can meet: one class for each cause, each with a stable `code`. Test with
 * `instanceof` or by `code`; `cause` keeps what lay underneath. `instanceof` goes by a brand and the code, so it holds for errors of
 * another copy of Millrace, or of another realm, too. This file imports only their base class.
 */
// What declarations need where a program names older libraries.
/// <reference lib="es2022" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
import { define, MillraceError } from './millrace-error.js';

export { MillraceError } from './millrace-error.js';

/** An `ask` had no reply by its deadline. The usual cause: the handler is slower than `timeoutMs`, or never settles. */
export class AskTimeoutError extends MillraceError {
  static {
    define(this, 'AskTimeoutError', 'ASK_TIMEOUT');
  }

  override readonly code = 'ASK_TIMEOUT';
}

/** What a test waits for did not happen in time: see `millrace/testing`. */
export class WaitTimeoutError extends MillraceError {
  static {
    define(this, 'WaitTimeoutError', 'WAIT_TIMEOUT');
  }

  override readonly code = 'WAIT_TIMEOUT';
}

/** The `AbortSignal` of an ask, a stream or `ref.ready()` was aborted by the caller. */
export class AskAbortedError extends MillraceError {
  static {
    define(this, 'AskAbortedError', 'ASK_ABORTED');
  }

  override readonly code = 'ASK_ABORTED';
}

/** The process, node or name cannot be reached: it ended, was cut off, or never existed. */
export class UnreachableError extends MillraceError {
  static {
    define(this, 'UnreachableError', 'UNREACHABLE');
  }

  override readonly code = 'UNREACHABLE';
  /** Nothing listens at the address of a process, or another process does. So the process has ended: it listens as long as it lives. */
  readonly isRefused: boolean;
  /** The message was not sent to any actor, so that none has handled it. */
  readonly isUnsent: boolean;

  constructor(
    message?: string,
    options?: ErrorOptions & { readonly isRefused?: boolean; readonly isUnsent?: boolean },
  ) {
    super(message, options);
    this.isRefused = options?.isRefused === true;
    this.isUnsent = options?.isUnsent === true;
  }
}

/** The actor, partition, link or runtime addressed has stopped. */
export class StoppedError extends MillraceError {
  static {
    define(this, 'StoppedError', 'STOPPED');
  }

  override readonly code = 'STOPPED';
}

/**
 * A bounded mailbox or link is full: wait for `ref.ready()` and send again. Or the actor has more to do than it can, and an ask would not
 * have been answered by its deadline. The message was not handled. `ref.ready()` rejects with it when there is no room by its deadline.
 *
 *     const reply = await ref.quote(request, { timeoutMs: 50 }).catch(async (error) => {
 *       if (!(error instanceof BackpressureError) || error.retryAfterMs === undefined) throw error;
 *       await setTimeout(error.retryAfterMs * (1 + Math.random()));
 *       return ref.quote(request, { timeoutMs: 50 });
 *     });
 */
export class BackpressureError extends MillraceError {
  static {
    define(this, 'BackpressureError', 'BACKPRESSURE');
  }

  override readonly code = 'BACKPRESSURE';
  /** Time in ms after which the same ask may succeed, where the actor knows it. Add a random time when there are many callers. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options?: ErrorOptions & { readonly retryAfterMs?: number | undefined }) {
    super(message, options);
    this.retryAfterMs = options?.retryAfterMs;
  }
}

/**
 * A `circuitBreaker` lets no ask through, because those before have failed. Nothing was sent. Ask again after `retryAfterMs`, or do without.
 */
export class CircuitOpenError extends MillraceError {
  static {
    define(this, 'CircuitOpenError', 'CIRCUIT_OPEN');
  }

  override readonly code = 'CIRCUIT_OPEN';
  /** Time in ms after which an ask may be let through. */
  readonly retryAfterMs: number;

  constructor(message: string, options?: ErrorOptions & { readonly retryAfterMs?: number }) {
    super(message, options);
    this.retryAfterMs = options?.retryAfterMs ?? 0;
  }
}

/** More asks wait for one another than `callChain` allows: the recursion may have no end. The ask was not sent. */
export class CallChainError extends MillraceError {
  static {
    define(this, 'CallChainError', 'CALL_CHAIN');
  }

  override readonly code = 'CALL_CHAIN';
}

/** An actor asked, directly or through others, an actor that is itself waiting in the same chain of asks. */
export class ReentrantAskError extends MillraceError {
  static {
    define(this, 'ReentrantAskError', 'REENTRANT_ASK');
  }

  override readonly code = 'REENTRANT_ASK';
}

/**
 * The handler at the other end threw something other than a Refusal. Carries the error's name, message and code, never its stack; in the
 * same process `cause` is what the handler threw.
 */
export class HandlerError extends MillraceError {
  static {
    define(this, 'HandlerError', 'HANDLER');
  }

  override readonly code = 'HANDLER';
  /** `name` of the error that the handler threw; undefined when it threw something that is no error. */
  readonly handlerName: string | undefined;
  /** `code` of the error that the handler threw, where it had one: a text such as `ENOENT`, or a number. */
  readonly handlerCode: string | number | undefined;
  /**
   * `retryAfterMs` of the BackpressureError or CircuitOpenError that the handler did not catch: an actor that it has asked is overloaded or fails, and
   * after this time in ms the same ask may succeed. Undefined for any other error.
   */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    options?: ErrorOptions & {
      readonly handlerName?: string | undefined;
      readonly handlerCode?: string | number | undefined;
      readonly retryAfterMs?: number | undefined;
    },
  ) {
    super(message, options);
    this.handlerName = options?.handlerName;
    this.handlerCode = options?.handlerCode;
    this.retryAfterMs = options?.retryAfterMs;
  }
}

/** The type of a refusal's detail: a message type of a module that `millrace gen` made. */
export interface DetailType<Message, Init> {
  readonly typeName: string;
  create(init?: Init): Message;
  write(message: Message, writer: never): void;
  read(reader: never, end: number): Message;
}

/**
 * The answer of a handler that says no: throw it, or reject with it. The caller of the ask, or the reader of the stream, gets a RefusedError
 * with the same reason, message and detail. It is no failure: no supervision sees it, and the actor goes on.
 *
 *     quote: (book, { symbol }) => {
 *       const price = book.get(symbol);
 *       if (price === undefined) throw new Refusal('NOT_FOUND', `no price of ${symbol}`);
 *       return { price };
 *     },
 *
 * A detail is a protobuf message: `new Refusal('SOLD_OUT', 'no seat is left', { type: Seats, value: { waiting: 12 } })`.
 */
export class Refusal<Message = unknown, Init = unknown> extends MillraceError {
  static {
    define(this, 'Refusal', 'REFUSAL');
  }

  override readonly code = 'REFUSAL';
  /** For programs: a short text that is part of the protocol, such as `NOT_FOUND`. */
  readonly reason: string;
  readonly detail: { readonly type: DetailType<Message, Init>; readonly value: Init } | undefined;

  /** `message` is for people. Throws ConfigError for a reason that is no text or empty, and for a detail without a type. */
  constructor(
    reason: string,
    message: string,
    detail?: { readonly type: DetailType<Message, Init>; readonly value: Init },
  ) {
    super(message);
    if (typeof reason !== 'string' || reason === '') {
      throw new ConfigError('a Refusal needs a reason, a text such as NOT_FOUND');
    }
    if (detail !== undefined && typeof detail?.type?.typeName !== 'string') {
      throw new ConfigError(
        `the detail of the Refusal ${reason} needs a generated message type, as in { type: Seats, value: { waiting: 12 } }`,
      );
    }
    this.reason = reason;
    this.detail = detail;
  }
}

/** The detail of a RefusedError. */
export interface RefusedDetail {
  /** Full name of its message type, such as `shop.Seats`. */
  readonly typeName: string;
  /** The encoded message. */
  readonly bytes: Uint8Array;
  /** The message, when it has this type; undefined when it has another. Throws ProtocolError when its bytes cannot be decoded. */
  as<Message>(type: DetailType<Message, never>): Message | undefined;
}

/** The handler said no: it threw a Refusal. `reason` is part of its protocol, `message` is for people. */
export class RefusedError extends MillraceError {
  static {
    define(this, 'RefusedError', 'REFUSED');
  }

  override readonly code = 'REFUSED';
  readonly reason: string;
  readonly detail: RefusedDetail | undefined;

  constructor(
    message: string,
    options: ErrorOptions & { readonly reason: string; readonly detail?: RefusedDetail | undefined },
  ) {
    super(message, options);
    this.reason = options.reason;
    this.detail = options.detail;
  }
}

/**
 * The requests of a streaming call ended with an error, because the source that its caller gave threw it. Carries the error's name, message
 * and code, never its stack; in the same process `cause` is what was thrown.
 */
export class SourceError extends MillraceError {
  static {
    define(this, 'SourceError', 'SOURCE');
  }

  override readonly code = 'SOURCE';
  /** `name` of the error that was thrown; undefined when it was no error. */
  readonly sourceName: string | undefined;
  /** `code` of the error that was thrown, where it had one: a text such as `ENOENT`, or a number. */
  readonly sourceCode: string | number | undefined;

  constructor(
    message: string,
    options?: ErrorOptions & { sourceName?: string | undefined; sourceCode?: string | number | undefined },
  ) {
    super(message, options);
    this.sourceName = options?.sourceName;
    this.sourceCode = options?.sourceCode;
  }
}

/** Bytes or a method that the receiver does not understand: unknown method, failed decode, wrong service, too large. */
export class ProtocolError extends MillraceError {
  static {
    define(this, 'ProtocolError', 'PROTOCOL');
  }

  override readonly code = 'PROTOCOL';
}

/** A pipeline failed: names the segment, the partition and the cause. */
export class PipelineError extends MillraceError {
  static {
    define(this, 'PipelineError', 'PIPELINE');
  }

  override readonly code = 'PIPELINE';
}

/** A value that moves was taken a second time, or a stream was read a second time. */
export class ConsumedError extends MillraceError {
  static {
    define(this, 'ConsumedError', 'CONSUMED');
  }

  override readonly code = 'CONSUMED';
}

/** No capacity within the tolerance that the request stated. */
export class CapacityError extends MillraceError {
  static {
    define(this, 'CapacityError', 'CAPACITY');
  }

  override readonly code = 'CAPACITY';
}

/**
 * A native library, topology, memory or room on a disk that is needed is not there. Says which file, and what to do: the command that
 * installs it.
 */
export class ResourceError extends MillraceError {
  static {
    define(this, 'ResourceError', 'RESOURCE');
  }

  override readonly code = 'RESOURCE';
}

/** An event or snapshot could not be stored or read, or the store not be opened. Names the persistence key and sequence number. */
export class PersistenceError extends MillraceError {
  static {
    define(this, 'PersistenceError', 'PERSISTENCE');
  }

  override readonly code = 'PERSISTENCE';
  readonly key: string | undefined;
  readonly sequenceNumber: number | undefined;

  constructor(
    message: string,
    options?: ErrorOptions & { readonly key?: string | undefined; readonly sequenceNumber?: number | undefined },
  ) {
    super(message, options);
    this.key = options?.key;
    this.sequenceNumber = options?.sequenceNumber;
  }
}

/** An option, definition or argument is wrong. Names it and what it accepts. */
export class ConfigError extends MillraceError {
  static {
    define(this, 'ConfigError', 'CONFIG');
  }

  override readonly code = 'CONFIG';
}
