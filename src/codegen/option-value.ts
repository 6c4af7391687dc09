/** Whether the value of an option is one of the option's type. Inside of braces it is in text format, which is more lenient. */
import type { ConfigError } from '../errors.js';
import { fieldOf, type OptionField, typeOf } from './option-fields.js';
import { isScalar, rangeOf, type Scalar } from './scalars.js';
import type { EnumSymbol, MessageSymbol, Symbols } from './symbols.js';
import type { OptionValue } from './syntax/index.js';

type Refuse = (why: string) => ConfigError;
type Aggregate = Extract<OptionValue, { kind: 'aggregate' }>;

/** Throws what `refuse` makes of the reason, when `value` is no value of `field`. */
export function checkValue(value: OptionValue, field: OptionField, refuse: Refuse, isText = false): void {
  const { node } = field;
  if (node.keyType !== undefined) {
    checkMapEntry(value, field, node.keyType, refuse);
    return;
  }
  if (isScalar(node.type)) {
    const wanted = scalarWanted(value, node.type, isText);
    if (wanted !== undefined) throw refuse(`takes ${wanted}, and has ${textOf(value)}.`);
    return;
  }
  const type = typeOf(field);
  // The declaration is refused where it stands, when its file is asked for.
  if (type === undefined) return;
  if (type.kind === 'enum') checkEnumValue(value, type, refuse, isText);
  else if (value.kind === 'aggregate') checkMessage(value, type, field.symbols, refuse);
  else throw refuse(`takes a message in braces, { ... }, and has ${textOf(value)}.`);
}

function checkEnumValue(value: OptionValue, { node }: EnumSymbol, refuse: Refuse, isText: boolean): void {
  const names = node.values.map(({ name }) => name);
  if (value.kind === 'word' && names.includes(value.text)) return;
  if (isText && value.kind === 'number' && typeof value.value === 'bigint') return;
  throw refuse(`takes ${inWords(names)}, and has ${textOf(value)}.`);
}

function checkMessage(value: Aggregate, message: MessageSymbol, symbols: Symbols, refuse: Refuse): void {
  const names = new Set<string>();
  const oneofs = new Map<string, string>();
  for (const [name, entry] of value.entries) {
    // Extensions and the messages in google.protobuf.Any are not looked into.
    if (name.startsWith('[')) continue;
    const field = textFieldOf(message, name, symbols);
    if (field === undefined) throw refuse(`has a value that does not exist: ${message.fullName} has no field ${name}.`);
    const { label, keyType, oneof } = field.node;
    const within: Refuse = (why) => refuse(`has a wrong field: ${message.fullName}.${name} ${why}`);
    const isMany = label === 'repeated' || keyType !== undefined;
    if (!isMany && names.has(name)) throw within('is set twice. Remove one.');
    names.add(name);
    if (oneof !== undefined) {
      const other = oneofs.get(oneof);
      if (other !== undefined) throw within(`is set beside ${other}, of the same oneof. Remove one.`);
      oneofs.set(oneof, name);
    }
    if (isMany && entry.kind === 'list') for (const item of entry.items) checkValue(item, field, within, true);
    else checkValue(entry, field, within, true);
  }
}

/** Text format names a group as its message. */
function textFieldOf(message: MessageSymbol, name: string, symbols: Symbols): OptionField | undefined {
  const group = message.node.fields.find((field) => field.isGroup && field.type === name);
  return fieldOf(message, group?.name ?? name, symbols);
}

/** Maps are lists of messages with a key and a value. */
function checkMapEntry(value: OptionValue, field: OptionField, keyType: string, refuse: Refuse): void {
  if (value.kind !== 'aggregate') throw refuse(`takes entries { key: ... value: ... }, and has ${textOf(value)}.`);
  for (const [name, entry] of value.entries) {
    if (name !== 'key' && name !== 'value') throw refuse(`takes entries of key and value, and has ${name}.`);
    const type = name === 'key' ? keyType : field.node.type;
    checkValue(entry, { ...field, node: { ...field.node, keyType: undefined, type } }, refuse, true);
  }
}

const BOOLEANS: ReadonlySet<string> = new Set(['true', 'false']);
const TEXT_BOOLEANS: ReadonlySet<string> = new Set(['true', 'false', 'True', 'False', 't', 'f']);
const FLOATS = /^-?(?:inf|infinity|nan)$/i;

/** What `scalar` takes, when `value` is something else. */
function scalarWanted(value: OptionValue, scalar: Scalar, isText: boolean): string | undefined {
  switch (scalar) {
    case 'string':
    case 'bytes':
      return value.kind === 'string' ? undefined : 'a string in quotes';
    case 'bool':
      return isBoolean(value, isText) ? undefined : 'true or false';
    case 'double':
    case 'float':
      return value.kind === 'number' || (value.kind === 'word' && FLOATS.test(value.text)) ? undefined : 'a number';
    default: {
      const [min, max] = rangeOf(scalar);
      const number = value.kind === 'number' && typeof value.value === 'bigint' ? value.value : undefined;
      const isInRange = number !== undefined && number >= min && number <= max;
      return isInRange ? undefined : `an integer from ${min} to ${max}`;
    }
  }
}

function isBoolean(value: OptionValue, isText: boolean): boolean {
  if (value.kind === 'word') return (isText ? TEXT_BOOLEANS : BOOLEANS).has(value.text);
  return isText && value.kind === 'number' && (value.value === 0n || value.value === 1n);
}

function textOf(value: OptionValue): string {
  switch (value.kind) {
    case 'word':
    case 'number':
      return value.text;
    case 'string':
      return JSON.stringify(Buffer.from(value.bytes).toString('utf8'));
    case 'list':
      return 'a list';
    case 'aggregate':
      return 'a message';
  }
}

function inWords(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}
