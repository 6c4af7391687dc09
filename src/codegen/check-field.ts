/** What protobuf says of options and types that do not go together in a field. */
import type { ConfigError } from '../errors.js';
import { type Features, settingsOf } from './features.js';
import type { FieldType } from './schema.js';
import type { FieldNode, OptionNode } from './syntax/index.js';

type Refuse = (why: string) => ConfigError;

/** Throws what `refuse` makes of the reason. `features` are those of the field; an enum that is its type is `closed` or not. */
export function checkField(
  field: FieldNode,
  type: FieldType,
  {
    edition,
    features,
    isClosed,
  }: { readonly edition: string; readonly features: Features; readonly isClosed: boolean },
  refuse: Refuse,
): void {
  checkDefault(field, type, refuse);
  checkWireOptions(field, type, edition, refuse);
  checkFeatures(field, type, refuse);
  if (type.kind !== 'enum') return;
  if (field.keyType !== undefined && type.first !== 0) {
    throw refuse(
      `is a map of an enum whose first value is ${type.first}, and 0 is what an absent value would be. Put 0 first.`,
    );
  }
  const isImplicit = features.field_presence === 'IMPLICIT' && field.label !== 'repeated' && field.oneof === undefined;
  if (isClosed && (edition === 'proto3' || (isImplicit && field.keyType === undefined))) {
    throw refuse(
      `has the closed enum ${type.reference.fullName}, which fields without presence and fields of proto3 cannot have. Declare the enum in a proto3 file, or the field in a proto2 file.`,
    );
  }
}

function checkDefault({ options, label, keyType }: FieldNode, type: FieldType, refuse: Refuse): void {
  if (!options.some(({ spelling }) => spelling === 'default')) return;
  const what = keyType !== undefined ? 'a map' : label === 'repeated' ? 'repeated' : 'a message';
  if (what === 'a message' && type.kind !== 'message') return;
  throw refuse(`is ${what}, so it cannot declare a default. Remove the option.`);
}

function checkWireOptions(field: FieldNode, type: FieldType, edition: string, refuse: Refuse): void {
  const { options, keyType } = field;
  const packed = wordOption(options, 'packed');
  if (packed !== undefined && isEdition(edition)) {
    throw refuse('cannot have the option packed in an edition. Write features.repeated_field_encoding instead.');
  }
  if (packed === 'true' && !isPackable(field, type)) {
    throw refuse('cannot be packed: only repeated numbers, booleans and enums can. Remove the option.');
  }
  const jstype = wordOption(options, 'jstype');
  const is64 = keyType === undefined && type.kind === 'scalar' && type.scalar.endsWith('64');
  if (jstype !== undefined && jstype !== 'JS_NORMAL' && !is64) {
    throw refuse('cannot have the option jstype: only fields of 64-bit integers can. Remove the option.');
  }
  for (const name of ['lazy', 'unverified_lazy']) {
    if (wordOption(options, name) === 'true' && type.kind !== 'message') {
      throw refuse(`cannot be ${name}: only messages can. Remove the option.`);
    }
  }
}

/** What a field's own features cannot say. Those of its file say it of the fields that can have it. */
function checkFeatures(field: FieldNode, type: FieldType, refuse: Refuse): void {
  const { label, oneof, keyType } = field;
  const isRepeated = label === 'repeated' || keyType !== undefined;
  for (const { name, value } of field.options.flatMap(settingsOf)) {
    const wrong = (why: string) => refuse(`cannot have features.${name} = ${value ?? 'a message'}: ${why}. Remove it.`);
    if (name === 'field_presence') {
      if (isRepeated) throw wrong('a repeated field has no presence');
      if (oneof !== undefined) throw wrong('a field of a oneof always has presence');
      if (type.kind === 'message' && value === 'IMPLICIT') throw wrong('a message always has presence');
    }
    if (name === 'repeated_field_encoding') {
      if (!isRepeated) throw wrong('the field is not repeated');
      if (value === 'PACKED' && !isPackable(field, type)) throw wrong('only numbers, booleans and enums can be packed');
    }
    if (name === 'message_encoding' && (type.kind !== 'message' || keyType !== undefined)) {
      throw wrong('the field is no message');
    }
    if (name === 'utf8_validation' && !holdsText(field, type)) throw wrong('the field holds no text');
  }
}

export function isPackable({ label }: FieldNode, type: FieldType): boolean {
  if (label !== 'repeated') return false;
  return type.kind === 'enum' || (type.kind === 'scalar' && type.scalar !== 'string' && type.scalar !== 'bytes');
}

export function isEdition(edition: string): boolean {
  return edition !== 'proto2' && edition !== 'proto3';
}

export function wordOption(options: readonly OptionNode[], name: string): string | undefined {
  const value = options.find(({ spelling }) => spelling === name)?.value;
  return value?.kind === 'word' ? value.text : undefined;
}

function holdsText({ keyType }: FieldNode, type: FieldType): boolean {
  return keyType === 'string' || (type.kind === 'scalar' && type.scalar === 'string');
}
