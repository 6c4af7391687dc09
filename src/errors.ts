/**
 * Every error a user of Millrace can meet: one class for each cause, each with a stable `code`. Test with
 * `instanceof` or by `code`; `cause` keeps what lay underneath. This file imports nothing.
 */
// What declarations need where a program names older libraries.
/// <reference lib="es2022" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />

/** Common ancestor: `catch (error) { if (error instanceof MillraceError) ... }`. */
export class MillraceError extends Error {
  readonly code: string = 'MILLRACE';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** An `ask` had no reply by its deadline. The usual cause: the handler is slower than `timeoutMs`, or never settles. */
export class AskTimeoutError extends MillraceError {
  override readonly code = 'ASK_TIMEOUT';
}

/** What a test waits for did not happen in time: see `millrace/testing`. */
export class WaitTimeoutError extends MillraceError {
  override readonly code = 'WAIT_TIMEOUT';
}

/** The `AbortSignal` of an `ask` was aborted by the caller. */
export class AskAbortedError extends MillraceError {
  override readonly code = 'ASK_ABORTED';
}

/** The process, node or name cannot be reached: it ended, was cut off, or never existed. */
export class UnreachableError extends MillraceError {
  override readonly code = 'UNREACHABLE';
}

/** The actor, partition, link or runtime addressed has stopped. */
export class StoppedError extends MillraceError {
  override readonly code = 'STOPPED';
}

/** A bounded mailbox or link is full: wait for `ref.ready()` and send again. */
export class BackpressureError extends MillraceError {
  override readonly code = 'BACKPRESSURE';
}

/** An actor asked, directly or through others, an actor that is itself waiting in the same chain of asks. */
export class ReentrantAskError extends MillraceError {
  override readonly code = 'REENTRANT_ASK';
}

/** The handler at the other end threw. Carries its message and code, never its stack. */
export class HandlerError extends MillraceError {
  override readonly code = 'HANDLER';
  /** `code` of the error thrown by the handler, where it had one. */
  readonly handlerCode: string | undefined;

  constructor(message: string, options?: ErrorOptions & { handlerCode?: string | undefined }) {
    super(message, options);
    this.handlerCode = options?.handlerCode;
  }
}

/** Bytes or a method that the receiver does not understand: unknown method, failed decode, wrong service, too large. */
export class ProtocolError extends MillraceError {
  override readonly code = 'PROTOCOL';
}

/** A pipeline failed: names the segment, the partition and the cause. */
export class PipelineError extends MillraceError {
  override readonly code = 'PIPELINE';
}

/** A value that moves was taken a second time. */
export class ConsumedError extends MillraceError {
  override readonly code = 'CONSUMED';
}

/** No capacity within the tolerance that the request stated. */
export class CapacityError extends MillraceError {
  override readonly code = 'CAPACITY';
}

/** A native library, topology or memory that is needed is not there. Says which file, and the command that installs it. */
export class ResourceError extends MillraceError {
  override readonly code = 'RESOURCE';
}

/** An event or snapshot could not be stored or read, or the store not be opened. Names the persistence key and sequence number. */
export class PersistenceError extends MillraceError {
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
  override readonly code = 'CONFIG';
}
