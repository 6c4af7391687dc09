import { MillraceError, ProtocolError } from '../errors.js';

/** The error of what could not be written or read. What is no error of Millrace comes of user code, such as a getter of a message. */
export function failureOf(what: string, cause: unknown): MillraceError {
  return cause instanceof MillraceError
    ? cause
    : new ProtocolError(`${what} could not be encoded or decoded.`, { cause });
}
