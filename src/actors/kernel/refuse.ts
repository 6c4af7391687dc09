import type { StoppedError } from '../../errors.js';
import type { AnyMethod } from '../../protocol/index.js';
import type { DeadLetterOffice } from './dead-letters.js';
import type { UntypedRef } from './reference.js';
import { FailedStream } from './stream.js';

/** The result of a refused call: a tell becomes a dead letter, an ask or stream fails. */
export function refuse(
  ref: UntypedRef,
  { mode, fullName }: AnyMethod,
  message: unknown,
  error: StoppedError,
  deadLetters: DeadLetterOffice,
): unknown {
  switch (mode) {
    case 'tell':
      deadLetters.add({ path: ref.path.toString() }, fullName, message, 'stopped');
      return false;
    case 'ask':
      return Promise.reject(error);
    case 'stream':
      return new FailedStream(error);
  }
}
