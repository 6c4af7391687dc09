import { isError } from '../foreign.js';
import type { LogFields } from './logger.js';

const { types } = process.getBuiltinModule('node:util');

/** Values nested deeper than this are shown as `...`. */
const MAX_DEPTH = 6;
/** Stands for a value whose getter or proxy throws. */
const UNREADABLE = 'unreadable';

/**
 * Fields as plain JSON: errors with message, code, stack and cause; bigints and symbols as strings; what has a `toJSON`, as Date and URL have,
 * as that says; cycles cut. Never throws.
 */
export function describeFields(fields: LogFields): LogFields {
  return Object.fromEntries(readFields(fields).map(([name, value]) => [name, describe(value, 0)]));
}

/** The fields of both; those of `fields` win. A field that cannot be read is replaced by a text that says so. Never throws. */
export function mergedFields(own: LogFields, fields: LogFields | undefined): LogFields {
  return Object.fromEntries([...Object.entries(own), ...readFields(fields ?? {})]);
}

function readFields(fields: LogFields): [name: string, value: unknown][] {
  try {
    return Object.keys(fields).map((name) => [name, read(fields, name)]);
  } catch {
    // A proxy, whose traps throw.
    return [['fields', UNREADABLE]];
  }
}

function read(fields: LogFields, name: string): unknown {
  try {
    return fields[name];
  } catch {
    return UNREADABLE;
  }
}

function describe(value: unknown, depth: number): unknown {
  try {
    switch (typeof value) {
      case 'bigint':
      case 'symbol':
        return value.toString();
      case 'function':
        // A static member of a class can replace its name by any value.
        return typeof value.name === 'string' ? `function ${value.name}` : 'function';
      case 'object':
        return value === null ? null : describeObject(value, depth);
      default:
        return value;
    }
  } catch {
    return UNREADABLE;
  }
}

function describeObject(value: object, depth: number): unknown {
  if (depth === MAX_DEPTH) return '...';
  if (isError(value)) return describeError(value, depth);
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return `${value.byteLength} bytes`;
  if (Array.isArray(value)) return value.map((item: unknown) => describe(item, depth + 1));
  if (types.isMap(value) || types.isSet(value)) return [...value].map((item) => describe(item, depth + 1));
  if (hasJson(value)) return describe(value.toJSON(), depth + 1);
  const entries = Object.entries(value);
  if (entries.length === 0) return textOf(value) ?? {};
  return Object.fromEntries(entries.map(([name, item]) => [name, describe(item, depth + 1)]));
}

function hasJson(value: object): value is { toJSON(): unknown } {
  return 'toJSON' in value && typeof value.toJSON === 'function';
}

/** What an object without fields says of itself, as regular expressions and references do. Undefined for one that says nothing. */
function textOf(value: object): string | undefined {
  const toText: unknown = Reflect.get(value, 'toString');
  if (typeof toText !== 'function') return undefined;
  const text: unknown = Reflect.apply(toText, value, []);
  return typeof text !== 'string' || text.startsWith('[object ') ? undefined : text;
}

function describeError(error: Error, depth: number): LogFields {
  const shown: Record<string, unknown> = { name: error.name, message: error.message };
  if ('code' in error) shown['code'] = error.code;
  for (const name of ['stack', 'cause'] as const) if (error[name] !== undefined) shown[name] = error[name];
  // User code can set each of them to anything.
  return Object.fromEntries(Object.entries(shown).map(([name, value]) => [name, describe(value, depth + 1)]));
}
