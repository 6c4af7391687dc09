import { ProtocolError } from '../../errors.js';

/** The error for a value that a field cannot take. */
export function wrong(expected: string, value: unknown): ProtocolError {
  return new ProtocolError(`Expected ${expected}, got ${shown(value)}.`);
}

export function tooLong(length: number): ProtocolError {
  return new ProtocolError(
    `A field or message of ${length} bytes is too long: lengths are below 2^32. Split it into several messages.`,
  );
}

function shown(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.slice(0, 40));
    case 'bigint':
      return `${String(value).slice(0, 40)}n`;
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value).slice(0, 40);
    case 'object':
    case 'function':
    case 'symbol':
      return value === null ? 'null' : `a value of type ${typeof value}`;
  }
}
