import { codeOf, errorOf } from '../../foreign.js';
import type { v1 } from '../../protocol/index.js';

/** Characters of each text that are sent: a failure must fit into a message. */
const MOST_CHARACTERS = 8_192;

/** The wire form of an error that user code threw, for the process that runs the pipeline. */
export function thrownRecord(cause: unknown): v1.ThrownInit {
  const error = errorOf(cause);
  const { name, message, stack } = error;
  const code = codeOf(error);
  return {
    name: name.slice(0, MOST_CHARACTERS),
    message: message.slice(0, MOST_CHARACTERS),
    code: code?.slice(0, MOST_CHARACTERS),
    stack: typeof stack === 'string' ? stack.slice(0, MOST_CHARACTERS) : undefined,
  };
}

/** Creates the error of a record, with its name, message, code and stack. */
export function thrownError({ name, message, code, stack }: v1.Thrown): Error {
  const error = new Error(message);
  Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true });
  if (stack !== undefined) Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true });
  return code === undefined ? error : Object.assign(error, { code });
}
