/** What `create` checks of a value, as JavaScript source: the types and ranges that `write` accepts. */
import { scalarFacts } from './scalars.js';
import type { FieldType } from './schema.js';

export type ValueType = Exclude<FieldType, { readonly kind: 'message' }>;

/** The kinds of values that are checked alike. */
type Kind =
  | 'number'
  | 'float'
  | 'int32'
  | 'uint32'
  | 'int53'
  | 'uint53'
  | 'int64'
  | 'uint64'
  | 'boolean'
  | 'string'
  | 'bytes';

interface Check {
  /** Ends the sentence "shop.Trade.price must be ...". */
  readonly what: string;
  /** An expression that is true for a value that is none. */
  isWrong(value: string): string;
}

const CHECKS: Readonly<Record<Kind, Check>> = {
  number: { what: 'a number', isWrong: (value) => `typeof ${value} !== 'number'` },
  float: {
    what: 'a number from -3.4028235e38 to 3.4028235e38, or an infinity or NaN',
    isWrong: (value) =>
      `(typeof ${value} !== 'number' || (globalThis.Number.isFinite(${value}) && !globalThis.Number.isFinite(globalThis.Math.fround(${value}))))`,
  },
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
      if (method === 'float') return 'float';
      if (method === 'double') return 'number';
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

/** A statement that checks the items of a list of such values. */
export function checkList(type: ValueType, list: string, field: string): string {
  return `checkList$${kindOf(type)}(${list}, ${field});`;
}

/** A statement that checks the entries of a map of such values. */
export function checkEntries(key: ValueType, type: ValueType, entries: string, field: string): string {
  const test = `'${expected(type)}', ${isWrongFunction(type)}`;
  return isText(key)
    ? `checkRecord$(${entries}, ${field}, ${test});`
    : `checkMap$(${entries}, ${field}, ${keyTest(key)}, ${test});`;
}

/** Arguments that check the keys of a map whose keys are no texts. */
export function keyTest(key: ValueType): string {
  return `'${expected(key)}', ${isWrongFunction(key)}`;
}

function isText(key: ValueType): boolean {
  return key.kind === 'scalar' && key.scalar === 'string';
}

function isWrongFunction(type: ValueType): string {
  return `(value) => ${isWrong(type, 'value')}`;
}

export function isFloat(type: FieldType): boolean {
  return type.kind === 'scalar' && type.scalar === 'float';
}

/** An expression that is false for 32-bit floats other than NaN. The others are rounded, or refused, by `float$` and `floatList$`. */
export function isUnrounded(value: string): string {
  return `typeof ${value} !== 'number' || globalThis.Math.fround(${value}) !== ${value}`;
}

/**
 * An expression that is false for most messages and records, object literals. Each place asks this for itself, because a function for all
 * would see too many kinds of objects to be fast; `isPlainObject$` decides about the other objects.
 */
export function isNoLiteral(value: string): string {
  return `${value}?.constructor !== globalThis.Object`;
}

function listFunction(kind: Kind): string {
  const check = CHECKS[kind];
  return `function checkList$${kind}(list, field) {
  checkArray$(list, field);
  for (let index = 0; index < list.length; index++) {
    const item = list[index];
    if (${check.isWrong('item')}) refuseField(pathOf$(field, index), '${check.what}', item);
  }
}`;
}

/**
 * Functions that a module has when it needs them, by name. A later one may be needed by an earlier one. No message can have a name that ends
 * with `$`; the other names are reserved in names.ts.
 */
export const FUNCTIONS: Readonly<Record<string, string>> = {
  createList: `function createList(init, type, field) {
  if (init === undefined || init === null) return [];
  checkArray$(init, field);
  const list = init.slice();
  for (let index = 0; index < list.length; index++) list[index] = createMessage$(list[index], type, field, index);
  return list;
}`,
  createRecord: `function createRecord(init, type, field) {
  const record = {};
  if (init === undefined || init === null) return record;
  if (${isNoLiteral('init')}) checkEntries$(init, field);
  for (const key in init) setEntry(record, key, createMessage$(init[key], type, field, key));
  return record;
}`,
  createMap: `function createMap(init, type, field, keyWhat, isWrongKey) {
  const map = new globalThis.Map();
  if (init === undefined || init === null) return map;
  checkIsMap$(init, field);
  for (const [key, value] of init) {
    if (isWrongKey(key)) refuseField(field, \`a Map, each key \${keyWhat}\`, key);
    map.set(key, createMessage$(value, type, field, key));
  }
  return map;
}`,
  createField: `function createField(init, type, field) {
  return init === undefined ? undefined : createMessage$(init, type, field);
}`,
  refTo$: `/** The type of references to actors of one service; a reference may name no service. */
function refTo$(Ref, service) {
  const checked = (ref) => {
    const given = ref.service ?? '';
    if (given !== service && given !== '') refuseField(\`\${Ref.typeName}.service\`, service, given);
    return ref;
  };
  return {
    typeName: Ref.typeName,
    create: (init) => checked(Ref.create(init)),
    write: (ref, writer) => Ref.write(checked(ref), writer),
    read: (reader, end) => checked(Ref.read(reader, end)),
  };
}`,
  createMessage$: `/** A message in a field, or at a key of it. What is wrong in it is named by its path from the outermost message. */
function createMessage$(init, type, field, key) {
  if (typeof init !== 'object' || init === null) refuseMessage$(pathOf$(field, key), type.typeName, init);
  try {
    return type.create(init);
  } catch (error) {
    throw atPath$(error, type.typeName, pathOf$(field, key));
  }
}`,
  checkMessage$: `function checkMessage$(init, name) {
  if (!isPlainObject$(init)) refuseMessage$(name, name, init);
}`,
  refuseMessage$: `function refuseMessage$(path, typeName, init) {
  refuseField(path, \`a message, an object with the fields of \${typeName}\`, init);
}`,
  ...Object.fromEntries((Object.keys(CHECKS) as Kind[]).map((kind) => [`checkList$${kind}`, listFunction(kind)])),
  checkRecord$: `function checkRecord$(record, field, what, isWrong) {
  if (${isNoLiteral('record')}) checkEntries$(record, field);
  for (const key in record) if (isWrong(record[key])) refuseField(pathOf$(field, key), what, record[key]);
}`,
  checkMap$: `function checkMap$(map, field, keyWhat, isWrongKey, what, isWrong) {
  checkIsMap$(map, field);
  for (const [key, value] of map) {
    if (isWrongKey(key)) refuseField(field, \`a Map, each key \${keyWhat}\`, key);
    if (isWrong(value)) refuseField(pathOf$(field, key), what, value);
  }
}`,
  floatList$: `/** The list as 32-bit floats: itself where it has no others. */
function floatList$(list, field) {
  checkArray$(list, field);
  let floats = list;
  for (let index = 0; index < list.length; index++) {
    const item = list[index];
    if (!(${isUnrounded('item')})) continue;
    if (floats === list) floats = list.slice();
    floats[index] = float$(item, field, index);
  }
  return floats;
}`,
  roundRecord$: `function roundRecord$(record) {
  const rounded = {};
  for (const key in record) setEntry(rounded, key, globalThis.Math.fround(record[key]));
  return rounded;
}`,
  roundMap$: `function roundMap$(map) {
  const rounded = new globalThis.Map();
  for (const [key, value] of map) rounded.set(key, globalThis.Math.fround(value));
  return rounded;
}`,
  float$: `function float$(value, field, key) {
  if (${CHECKS.float.isWrong('value')}) refuseField(pathOf$(field, key), '${CHECKS.float.what}', value);
  return globalThis.Math.fround(value);
}`,
  checkArray$: `function checkArray$(list, field) {
  if (!globalThis.Array.isArray(list)) refuseField(field, 'an array', list);
}`,
  checkEntries$: `function checkEntries$(record, field) {
  if (!isPlainObject$(record)) refuseField(field, 'a plain object with a property for each key', record);
}`,
  checkIsMap$: `function checkIsMap$(map, field) {
  if (!isMap$(map)) refuseField(field, 'a Map', map);
}`,
  checkOneof$: `function checkOneof$(oneof, field, cases) {
  if (!isPlainObject$(oneof)) refuseField(field, '{ case, value }', oneof);
  if (oneof.case !== undefined) {
    if (!cases.includes(oneof.case)) refuseField(field, \`one of the cases \${cases.join(', ')}\`, oneof.case);
    return;
  }
  // Without a case nothing of it would be sent.
  for (const key in oneof) {
    if (oneof[key] !== undefined) throw refusal$(\`\${field} must be { case, value } with one of the cases \${cases.join(', ')}, not an object with \${key} and no case\`);
  }
}`,
  isPlainObject$: `/** As in Millrace: no array, Map, Error, Promise or other object of JavaScript itself, nor what has a Symbol.toStringTag. */
function isPlainObject$(value) {
  if (typeof value !== 'object' || value === null) return false;
  if (globalThis.Object.getPrototypeOf(value) === globalThis.Object.prototype) return true;
  return globalThis.Object.prototype.toString.call(value) === '[object Object]';
}`,
  isMap$: `/** Also one of another realm. */
function isMap$(value) {
  return value instanceof globalThis.Map || globalThis.Object.prototype.toString.call(value) === '[object Map]';
}`,
  isBytes: `/** Also one of another realm. */
function isBytes(value) {
  return value instanceof Uint8Array || globalThis.Object.prototype.toString.call(value) === '[object Uint8Array]';
}`,
  setEntry: `/** As record[key] = value, for a key that a peer chose: this one would set the prototype. */
function setEntry(record, key, value) {
  if (key !== '__proto__') record[key] = value;
  else globalThis.Object.defineProperty(record, key, { value, configurable: true, enumerable: true, writable: true });
}`,
  atPath$: `/** An error of create() that begins with the name of a type, with the path to the message in its place. */
function atPath$(error, typeName, path) {
  if (error?.code !== 'PROTOCOL') return error;
  const { message } = error;
  const isOfType = message.startsWith(\`\${typeName}.\`) || message.startsWith(\`\${typeName} must be \`);
  return isOfType ? refusal$(path + message.slice(typeName.length)) : error;
}`,
  refuseField: `function refuseField(field, expected, value) {
  throw refusal$(\`\${field} must be \${expected}, not \${shown$(value)}\`);
}`,
  pathOf$: `function pathOf$(field, key) {
  return key === undefined ? field : \`\${field}[\${shown$(key)}]\`;
}`,
  refusal$: `/** A ProtocolError of Millrace, which is known by its properties, so that this module imports nothing. */
function refusal$(message) {
  const error = new globalThis.Error(message);
  for (const [key, value] of [['name', 'ProtocolError'], ['code', 'PROTOCOL'], [globalThis.Symbol.for('millrace.error'), true]]) {
    globalThis.Object.defineProperty(error, key, { value, configurable: true, writable: true });
  }
  return error;
}`,
  shown$: `function shown$(value) {
  switch (typeof value) {
    case 'string':
      return globalThis.JSON.stringify(value.slice(0, 40));
    case 'bigint':
      return \`\${globalThis.String(value).slice(0, 40)}n\`;
    case 'object': {
      if (value === null) return 'null';
      if (globalThis.Array.isArray(value)) return 'an array';
      const name = globalThis.Object.prototype.toString.call(value).slice(8, -1);
      return name === 'Object' ? 'an object' : \`an object of class \${name}\`;
    }
    case 'function':
    case 'symbol':
      return \`a \${typeof value}\`;
    default:
      return globalThis.String(value);
  }
}`,
};
