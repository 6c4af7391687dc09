/** What `create` checks of a value, as JavaScript source: the types and ranges that `write` accepts. */
import { scalarFacts } from './scalars.js';
import type { FieldType } from './schema.js';

export type ValueType = Exclude<FieldType, { readonly kind: 'message' }>;

/** The kinds of values that are checked alike. */
type Kind = 'number' | 'int32' | 'uint32' | 'int53' | 'uint53' | 'int64' | 'uint64' | 'boolean' | 'string' | 'bytes';

interface Check {
  /** Ends the sentence "shop.Trade.price must be ...". */
  readonly what: string;
  /** An expression that is true for a value that is none. */
  isWrong(value: string): string;
}

const CHECKS: Readonly<Record<Kind, Check>> = {
  number: { what: 'a number', isWrong: (value) => `typeof ${value} !== 'number'` },
  int32: {
    what: 'an integer from -2147483648 to 2147483647',
    isWrong: (value) => `(typeof ${value} !== 'number' || (${value} | 0) !== ${value})`,
  },
  uint32: {
    what: 'an integer from 0 to 4294967295',
    isWrong: (value) => `(typeof ${value} !== 'number' || ${value} >>> 0 !== ${value})`,
  },
  int53: {
    what: 'an integer from -(2^53-1) to 2^53-1',
    isWrong: (value) => `!globalThis.Number.isSafeInteger(${value})`,
  },
  uint53: {
    what: 'an integer from 0 to 2^53-1',
    isWrong: (value) => `!(globalThis.Number.isSafeInteger(${value}) && ${value} >= 0)`,
  },
  int64: {
    what: 'a bigint from -2^63 to 2^63-1',
    isWrong: (value) => `(typeof ${value} !== 'bigint' || globalThis.BigInt.asIntN(64, ${value}) !== ${value})`,
  },
  uint64: {
    what: 'a bigint from 0 to 2^64-1',
    isWrong: (value) => `(typeof ${value} !== 'bigint' || globalThis.BigInt.asUintN(64, ${value}) !== ${value})`,
  },
  boolean: { what: 'a boolean', isWrong: (value) => `typeof ${value} !== 'boolean'` },
  string: { what: 'a string', isWrong: (value) => `typeof ${value} !== 'string'` },
  bytes: { what: 'a Uint8Array', isWrong: (value) => `!isBytes(${value})` },
};

function kindOf(type: ValueType): Kind {
  if (type.kind === 'enum') return 'int32';
  const { method } = scalarFacts(type.scalar, type.asNumber);
  const isUnsigned = method.startsWith('u') || method.startsWith('fixed');
  switch (scalarFacts(type.scalar, type.asNumber).type) {
    case 'number':
      if (method === 'double' || method === 'float') return 'number';
      if (method.endsWith('Number')) return isUnsigned ? 'uint53' : 'int53';
      return isUnsigned ? 'uint32' : 'int32';
    case 'bigint':
      return isUnsigned ? 'uint64' : 'int64';
    case 'boolean':
      return 'boolean';
    case 'string':
      return 'string';
    case 'Uint8Array':
      return 'bytes';
  }
}

/** What a value has to be, in words. */
export function expected(type: ValueType): string {
  return CHECKS[kindOf(type)].what;
}

export function isWrong(type: ValueType, value: string): string {
  return CHECKS[kindOf(type)].isWrong(value);
}

/** An expression that is true when `list` is an array of such values. */
export function allAre(type: ValueType, list: string): string {
  return `all$${kindOf(type)}(${list})`;
}

/** An expression that is true when `entries` has such keys and values; messages are checked as they are created. */
export function entriesAre(key: ValueType, type: ValueType | undefined, entries: string): string {
  const test = (tested: ValueType | undefined): string =>
    tested === undefined ? 'undefined' : `(value) => ${isWrong(tested, 'value')}`;
  return key.kind === 'scalar' && key.scalar === 'string'
    ? `isRecordOf(${entries}, ${test(type)})`
    : `isMapOf(${entries}, ${test(key)}, ${test(type)})`;
}

function listFunction(kind: Kind): string {
  return `function all$${kind}(list) {
  if (typeof list !== 'object' || typeof list[globalThis.Symbol.iterator] !== 'function') return false;
  for (const item of list) if (${CHECKS[kind].isWrong('item')}) return false;
  return true;
}`;
}

/** Functions that a module has when it needs them, by name. A later one may be needed by an earlier one. */
export const FUNCTIONS: Readonly<Record<string, string>> = {
  createList: `function createList(init, type, field) {
  if (init === undefined || init === null) return [];
  if (!globalThis.Array.isArray(init)) refuseField(field, 'an array of messages', init);
  return init.map((item) => (item === undefined ? refuseField(field, 'an array of messages', item) : createField(item, type, field)));
}`,
  createRecord: `function createRecord(init, type, field) {
  const record = {};
  if (init !== undefined && init !== null && typeof init !== 'object') refuseField(field, 'an object of messages', init);
  for (const key in init) setEntry(record, key, createField(init[key] ?? {}, type, field));
  return record;
}`,
  createMap: `function createMap(init, type, field) {
  const map = new globalThis.Map();
  if (init === undefined || init === null) return map;
  if (typeof init[globalThis.Symbol.iterator] !== 'function') refuseField(field, 'a Map of messages', init);
  for (const [key, value] of init) map.set(key, createField(value ?? {}, type, field));
  return map;
}`,
  createField: `function createField(init, type, field) {
  if (init === undefined) return undefined;
  return typeof init === 'object' && init !== null ? type.create(init) : refuseField(field, 'a message', init);
}`,
  isRecordOf: `function isRecordOf(record, isWrong) {
  if (typeof record !== 'object') return false;
  if (isWrong !== undefined) for (const key in record) if (isWrong(record[key])) return false;
  return true;
}`,
  isMapOf: `function isMapOf(map, isWrongKey, isWrong) {
  if (typeof map !== 'object' || typeof map[globalThis.Symbol.iterator] !== 'function') return false;
  for (const [key, value] of map) if (isWrongKey(key) || (isWrong !== undefined && isWrong(value))) return false;
  return true;
}`,
  ...Object.fromEntries((Object.keys(CHECKS) as Kind[]).map((kind) => [`all$${kind}`, listFunction(kind)])),
  isBytes: `/** Also one of another realm. */
function isBytes(value) {
  return value instanceof Uint8Array || globalThis.Object.prototype.toString.call(value) === '[object Uint8Array]';
}`,
  setEntry: `/** As record[key] = value, for a key that a peer chose: this one would set the prototype. */
function setEntry(record, key, value) {
  if (key !== '__proto__') record[key] = value;
  else globalThis.Object.defineProperty(record, key, { value, configurable: true, enumerable: true, writable: true });
}`,
  refuseField: `/** Throws a ProtocolError of Millrace, which is known by its properties, so that this module imports nothing. */
function refuseField(field, expected, value) {
  const isText = typeof value === 'string';
  const shown = isText ? globalThis.JSON.stringify(value.slice(0, 40)) : value === null ? 'null' : typeof value;
  const isPlain = typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean';
  const text = isPlain ? globalThis.String(value).slice(0, 40) : shown;
  const error = new globalThis.Error(\`\${field} must be \${expected}, not \${text}\`);
  for (const [key, value] of [['name', 'ProtocolError'], ['code', 'PROTOCOL'], [globalThis.Symbol.for('millrace.error'), true]]) {
    globalThis.Object.defineProperty(error, key, { value, configurable: true, writable: true });
  }
  throw error;
}`,
};
