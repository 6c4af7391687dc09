import type { LogFields } from './logger.js';

/** Values nested deeper than this are shown as `...`. */
const MAX_DEPTH = 6;

/** Fields as plain JSON: errors with message, code, stack and cause; bigints and symbols as strings; cycles cut. Never throws. */
export function describeFields(fields: LogFields): LogFields {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, describe(value, 0)]));
}

function describe(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'bigint':
    case 'symbol':
      return value.toString();
    case 'function':
      return `function ${value.name}`;
    case 'object':
      return value === null ? null : describeObject(value, depth);
    default:
      return value;
  }
}

function describeObject(value: object, depth: number): unknown {
  if (depth === MAX_DEPTH) return '...';
  if (value instanceof Error) return describeError(value, depth);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  try {
    if (Array.isArray(value)) return value.map((item: unknown) => describe(item, depth + 1));
    if (value instanceof Map || value instanceof Set) return [...value].map((item) => describe(item, depth + 1));
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, describe(item, depth + 1)]));
  } catch {
    // A getter or a proxy threw. Logging must not fail.
    return 'unreadable';
  }
}

function describeError(error: Error, depth: number): LogFields {
  return {
    name: error.name,
    message: error.message,
    ...('code' in error && { code: error.code }),
    ...(error.stack !== undefined && { stack: error.stack }),
    ...(error.cause !== undefined && { cause: describe(error.cause, depth + 1) }),
  };
}
