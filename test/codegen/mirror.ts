/** One message in two forms, ours and protobufjs's, converted by reflection: shares no code with the generator. */
import protobuf from 'protobufjs';
import fc from 'fast-check';
import type { AnyMessage } from './everything.js';

interface LongStatics {
  isLong(value: unknown): value is { toString(): string };
  fromString(text: string, unsigned: boolean): object;
  fromValue(value: unknown): { toString(): string };
}
const Long = protobuf.util.Long as unknown as LongStatics;

const scalars: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  double: fc.double(),
  float: fc.float(),
  int32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  sint32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  sfixed32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  uint32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  fixed32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  sint64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  sfixed64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fixed64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  bool: fc.boolean(),
  // Short and long ones go different ways.
  string: fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'binary', minLength: 90, maxLength: 200 }),
    fc.string(),
  ),
  bytes: fc.uint8Array({ maxLength: 200 }),
};

const keys = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'constructor', 'toString', '1', ''));

/** Messages as our `create` takes them, every field sometimes left out. */
export function initOf(type: protobuf.Type, depth = 3): fc.Arbitrary<AnyMessage> {
  const properties: Record<string, fc.Arbitrary<unknown>> = {};
  for (const field of type.fieldsArray) {
    if (!isCase(field)) properties[property(field.name)] = fieldOf(field, depth);
  }
  for (const oneof of type.oneofsArray) {
    const cases = oneof.fieldsArray
      .filter(isCase)
      .filter((field) => depth > 0 || !(field.resolvedType instanceof protobuf.Type));
    if (cases.length === 0) continue;
    const options = cases.map((field) => valueOf(field, depth).map((value) => ({ case: property(field.name), value })));
    properties[property(oneof.name)] = fc.oneof(...options);
  }
  // With a prototype, as users write them.
  return fc.record(properties, { requiredKeys: [], noNullPrototype: true });
}

function fieldOf(field: protobuf.Field, depth: number): fc.Arbitrary<unknown> {
  const isMessage = field.resolvedType instanceof protobuf.Type;
  const value = isMessage && depth === 0 ? undefined : valueOf(field, depth);
  if (field instanceof protobuf.MapField) {
    if (value === undefined) return fc.constant(undefined);
    if (field.keyType === 'string')
      return fc.array(fc.tuple(keys, value), { maxLength: 3 }).map((entries) => Object.fromEntries(entries));
    return fc.array(fc.tuple(scalar(field.keyType), value), { maxLength: 3 }).map((entries) => new Map(entries));
  }
  if (value === undefined) return fc.constant(undefined);
  return field.repeated ? fc.array(value, { maxLength: 4 }) : value;
}

function valueOf(field: protobuf.Field, depth: number): fc.Arbitrary<unknown> {
  if (field.resolvedType instanceof protobuf.Enum) {
    return fc.oneof(fc.constantFrom(...Object.values(field.resolvedType.values)), fc.integer());
  }
  if (field.resolvedType instanceof protobuf.Type) return initOf(field.resolvedType, depth - 1);
  if (isNumber(field)) return safeInteger(field.type);
  return scalar(field.type);
}

function safeInteger(type: string): fc.Arbitrary<number> {
  return fc.integer({
    min: type.includes('uint') || type === 'fixed64' ? 0 : Number.MIN_SAFE_INTEGER,
    max: Number.MAX_SAFE_INTEGER,
  });
}

function scalar(type: string): fc.Arbitrary<unknown> {
  const found = scalars[type];
  if (found === undefined) throw new Error(`no arbitrary for ${type}`);
  return found;
}

/** Our message as protobufjs's; defaults are left out, as proto3 wants it. */
export function toTheirs(type: protobuf.Type, message: AnyMessage): protobuf.Message {
  const result: AnyMessage = {};
  for (const field of type.fieldsArray) {
    const value = ourValue(field, message);
    if (value === undefined) continue;
    if (field instanceof protobuf.MapField) {
      const record: AnyMessage = Object.create(null) as AnyMessage;
      for (const [key, item] of entriesOf(value)) record[theirKey(field.keyType, key)] = theirValue(field, item);
      result[field.name] = record;
    } else if (field.repeated) result[field.name] = (value as unknown[]).map((item) => theirValue(field, item));
    else if (hasPresence(field) || !isDefault(value)) result[field.name] = theirValue(field, value);
  }
  return type.create(result);
}

/** Their message as ours, every field filled. */
export function toOurs(type: protobuf.Type, message: AnyMessage): AnyMessage {
  const result: AnyMessage = {};
  for (const oneof of type.oneofsArray) {
    if (oneof.fieldsArray.some(isCase)) result[property(oneof.name)] = { case: undefined, value: undefined };
  }
  for (const field of type.fieldsArray) {
    const isSet = Object.hasOwn(message, field.name) && message[field.name] !== null;
    const value = isSet ? message[field.name] : undefined;
    if (isCase(field)) {
      if (isSet)
        result[property(field.partOf?.name ?? '')] = { case: property(field.name), value: ourForm(field, value) };
    } else if (field instanceof protobuf.MapField) {
      result[property(field.name)] = ourMap(field, (value ?? {}) as AnyMessage);
    } else if (field.repeated) {
      result[property(field.name)] = ((value ?? []) as unknown[]).map((item) => ourForm(field, item));
    } else if (!isSet) result[property(field.name)] = hasPresence(field) ? undefined : defaultOf(field);
    else result[property(field.name)] = ourForm(field, value);
  }
  return result;
}

function ourMap(field: protobuf.MapField, record: AnyMessage): unknown {
  const entries = Object.entries(record).map(
    ([key, item]) => [ourKey(field.keyType, key), ourForm(field, item)] as const,
  );
  return field.keyType === 'string' ? Object.fromEntries(entries as [string, unknown][]) : new Map(entries);
}

function ourForm(field: protobuf.Field | protobuf.MapField, value: unknown): unknown {
  if (field.resolvedType instanceof protobuf.Type) return toOurs(field.resolvedType, value as AnyMessage);
  if (field.type === 'bytes') return Uint8Array.from(value as Uint8Array);
  if (Long.isLong(value)) return isNumber(field) ? Number(value.toString()) : BigInt(value.toString());
  return value;
}

function theirValue(field: protobuf.Field | protobuf.MapField, value: unknown): unknown {
  if (field.resolvedType instanceof protobuf.Type) return toTheirs(field.resolvedType, value as AnyMessage);
  return field.type.endsWith('64') ? toLong(value as bigint | number, field.type) : value;
}

function toLong(value: bigint | number, type: string): object {
  return Long.fromString(String(value), type === 'uint64' || type === 'fixed64');
}

/** protobufjs keeps 64-bit keys as eight characters. */
function theirKey(keyType: string, key: unknown): string {
  return keyType.endsWith('64')
    ? protobuf.util.longToHash(toLong(key as bigint, keyType) as protobuf.Long)
    : String(key);
}

function ourKey(keyType: string, key: string): unknown {
  if (keyType === 'string') return key;
  if (keyType === 'bool') return key === 'true';
  if (!keyType.endsWith('64')) return Number(key);
  return BigInt(
    Long.fromValue(protobuf.util.longFromHash(key, keyType === 'uint64' || keyType === 'fixed64')).toString(),
  );
}

function entriesOf(value: unknown): [unknown, unknown][] {
  return value instanceof Map ? [...(value as Map<unknown, unknown>)] : Object.entries(value as AnyMessage);
}

function ourValue(field: protobuf.Field, message: AnyMessage): unknown {
  if (!isCase(field)) return message[property(field.name)];
  const oneof = message[property(field.partOf?.name ?? '')] as { case: string; value: unknown };
  return oneof.case === property(field.name) ? oneof.value : undefined;
}

function defaultOf(field: protobuf.Field): unknown {
  if (field.resolvedType instanceof protobuf.Enum) return 0;
  if (field.type === 'string') return '';
  if (field.type === 'bool') return false;
  if (field.type === 'bytes') return new Uint8Array(0);
  return field.type.endsWith('64') && !isNumber(field) ? 0n : 0;
}

function isDefault(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  return Object.is(value, 0) || value === 0n || value === '' || value === false;
}

/** Whether a field is a real case of a oneof, not an `optional` one. */
function isCase(field: protobuf.Field): boolean {
  return field.partOf !== null && field.options?.['proto3_optional'] !== true;
}

/** By the rules of proto3, of proto2 or of the features that hold for the field. */
function hasPresence(field: protobuf.Field): boolean {
  return field.resolvedType instanceof protobuf.Type || field.partOf !== null || Boolean(field.hasPresence);
}

function isNumber(field: protobuf.Field | protobuf.MapField): boolean {
  return field.options?.['jstype'] === 'JS_NUMBER';
}

function property(name: string): string {
  const camel = name.replace(/_+([a-zA-Z0-9]?)/g, (_, next: string) => next.toUpperCase());
  return camel in {} ? `${camel}$` : camel;
}
