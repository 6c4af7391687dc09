import { ProtocolError } from '../../errors.js';
import { limits } from '../../limits.js';

/** The least number that rounds to infinity as a 32-bit float. */
const FLOAT_OVERFLOW = 2 ** 128 - 2 ** 103;

/** Throws ProtocolError for what a 32-bit float cannot hold, a finite number that would become an infinity among it. */
export function checkFloat(value: number): void {
  if (typeof value !== 'number') throw wrong('a number', value);
  if (Math.abs(value) >= FLOAT_OVERFLOW && Number.isFinite(value)) {
    throw wrong('a number from -3.4028235e38 to 3.4028235e38, or an infinity or NaN', value);
  }
}

/** The error for a value that a field cannot take. */
export function wrong(expected: string, value: unknown): ProtocolError {
  return new ProtocolError(`Expected ${expected}, got ${shown(value)}.`);
}

export function tooLong(length: number): ProtocolError {
  return new ProtocolError(
    `A field or message of ${length} bytes is too long: lengths are below 2^32. Split it into several messages.`,
  );
}

export function tooDeep(): ProtocolError {
  return new ProtocolError(
    `The message is nested deeper than ${limits.messageDepth} levels: no receiver would read it.`,
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
