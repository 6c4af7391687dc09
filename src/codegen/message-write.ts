/**
 * `write` of a message: fields by number, defaults left out. It takes what `create` takes, so that a message is sent without a copy of it, and
 * refuses what `create` refuses. The writer checks values, and does not know their fields: who writes calls `create` to name the wrong one.
 */
import type { Imports } from './imports.js';
import { casesName, messageCheck } from './message-create.js';
import { scalarFacts, WIRE } from './scalars.js';
import { type FieldSchema, type FieldType, isOneof, type MessageSchema, type OneofSchema } from './schema.js';
import { messageSource } from './service-refs.js';
import { isNoLiteral } from './value-checks.js';

export function emitWrite(message: MessageSchema, imports: Imports): readonly string[] {
  const { fields, properties, fullName } = message;
  return [
    `  write(message${fields.length === 0 ? '' : ', writer'}) {`,
    messageCheck('message', fullName),
    ...properties.flatMap((property) => emitCheck(property, message)),
    ...fields.flatMap((field) => emitField(field, imports)),
    '  },',
  ];
}

/** The line that checks a list, map or oneof that is given: of another kind of object nothing would be written. The writer checks all other values. */
function emitCheck(property: FieldSchema | OneofSchema, message: MessageSchema): readonly string[] {
  const value = `message.${property.name}`;
  const given = `${value}, '${message.fullName}.${property.name}'`;
  if (isOneof(property)) {
    const isUnset = `'case' in ${value} && ${value}.case === undefined && ${value}.value === undefined`;
    const isOther = property.cases.map(({ name }) => `${value}.case !== '${name}'`).join(' && ');
    const isChecked = `${isGiven(value)} && ${isOther} && !(${isUnset})`;
    return [`    if (${isChecked}) checkOneof$(${given}, ${casesName(message.name, property)});`];
  }
  if (property.shape.kind === 'repeated')
    return [`    if (${isGiven(value)} && !globalThis.Array.isArray(${value})) checkArray$(${given});`];
  if (property.shape.kind !== 'map') return [];
  return [
    property.shape.key === 'string'
      ? `    if (${isGiven(value)} && ${isNoLiteral(value)}) checkEntries$(${given});`
      : `    if (${isGiven(value)}) checkIsMap$(${given});`,
  ];
}

/** Neither undefined nor null, as which `create` takes most fields to be left out. */
function isGiven(value: string): string {
  return `${value} !== undefined && ${value} !== null`;
}

export function wireOf(type: FieldType): number {
  if (type.kind === 'scalar') return scalarFacts(type.scalar).wire;
  return type.kind === 'enum' ? WIRE.varint : WIRE.lengthDelimited;
}

export function keyOf(number: number, wire: number): number {
  return number * 8 + wire;
}

function emitField(field: FieldSchema, imports: Imports): readonly string[] {
  const { name, number, shape, type } = field;
  const property = `message.${name}`;
  const tag = `writer.tag(${keyOf(number, wireOf(type))})`;
  switch (shape.kind) {
    case 'implicit':
      return [`    if (${isSet(property, type)}) ${tag}${call(type, property, imports)};`];
    case 'filled':
      return [`    ${tag}${call(type, `${property} ?? ${shape.source}`, imports)};`];
    case 'optional':
      return [`    if (${property} !== undefined) ${tag}${call(type, property, imports)};`];
    case 'case':
      return [
        `    if (message.${shape.oneof}?.case === '${name}') ${tag}${call(type, caseValue(type, `message.${shape.oneof}.value`), imports)};`,
      ];
    case 'repeated':
      if (!shape.packed) {
        return [`    if (${isGiven(property)}) for (const item of ${property}) ${tag}${call(type, 'item', imports)};`];
      }
      return [
        `    if (${isGiven(property)} && ${property}.length > 0) {`,
        `      const mark = writer.tag(${keyOf(number, WIRE.lengthDelimited)}).open();`,
        `      for (const item of ${property}) writer${call(type, 'item', imports)};`,
        '      writer.close(mark);',
        '    }',
      ];
    case 'map': {
      const isRecord = shape.key === 'string';
      const key: FieldType = { kind: 'scalar', scalar: shape.key, asNumber: false };
      const value = isRecord ? `${property}[key]` : 'value';
      return [
        // Of undefined and null, for-in finds no keys.
        isRecord ? `    for (const key in ${property}) {` : `    for (const [key, value] of ${property} ?? []) {`,
        `      const mark = writer.tag(${keyOf(number, WIRE.lengthDelimited)}).open();`,
        `      writer.tag(${keyOf(1, wireOf(key))})${call(key, 'key', imports)};`,
        `      writer.tag(${keyOf(2, wireOf(type))})${call(type, value, imports)};`,
        '      writer.close(mark);',
        '    }',
      ];
    }
  }
}

/** A case whose message is empty may have no value. */
function caseValue(type: FieldType, value: string): string {
  return type.kind === 'message' ? `${value} === undefined ? {} : ${value}` : value;
}

function call(type: FieldType, value: string, imports: Imports): string {
  switch (type.kind) {
    case 'scalar':
      return `.${scalarFacts(type.scalar, type.asNumber).method}(${value})`;
    case 'enum':
      return `.int32(${value})`;
    case 'message':
      return `.message(${messageSource(type, imports)}, ${value})`;
  }
}

/** Whether a value is given and differs from its default; -0 does from 0, as its bits say. */
function isSet(value: string, type: FieldType): string {
  if (type.kind !== 'scalar') return `(${value} ?? 0) !== 0`;
  if (type.scalar === 'double' || type.scalar === 'float')
    return `${isGiven(value)} && (${value} !== 0 || 1 / ${value} < 0)`;
  switch (scalarFacts(type.scalar, type.asNumber).type) {
    case 'number':
      return `(${value} ?? 0) !== 0`;
    case 'bigint':
      return `(${value} ?? 0n) !== 0n`;
    case 'boolean':
      return `(${value} ?? false) !== false`;
    case 'string':
      return `(${value} ?? '') !== ''`;
    case 'Uint8Array':
      return `${isGiven(value)} && ${value}.length !== 0`;
  }
}
