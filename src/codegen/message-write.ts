/** `write` of a message: fields by number, defaults left out. */
import type { Imports } from './imports.js';
import { casesName, messageCheck } from './message-create.js';
import { scalarFacts, WIRE } from './scalars.js';
import { type FieldSchema, type FieldType, isOneof, type MessageSchema, type OneofSchema } from './schema.js';
import { messageSource } from './service-refs.js';
import { isNoLiteral } from './value-checks.js';

export function emitWrite(message: MessageSchema, imports: Imports): readonly string[] {
  const { fields, properties, fullName } = message;
  // Of what is no message, fields are undefined, which the writer refuses where they are not optional.
  const isRefused = properties.some((property) => isOneof(property) || property.shape.kind !== 'optional');
  const check = isRefused ? [] : [messageCheck('message', fullName)];
  if (fields.length === 0) return ['  write(message) {', ...check, '  },'];
  return [
    '  write(message, writer) {',
    ...check,
    ...properties.flatMap((property) => emitCheck(property, message)),
    ...fields.flatMap((field) => emitField(field, imports)),
    '  },',
  ];
}

/** The line that checks a list, map or oneof: of another kind of object nothing would be written. The writer checks all other values. */
function emitCheck(property: FieldSchema | OneofSchema, message: MessageSchema): readonly string[] {
  const value = `message.${property.name}`;
  const given = `${value}, '${message.fullName}.${property.name}'`;
  if (isOneof(property)) {
    const isUnset = `'case' in ${value} && ${value}.case === undefined && ${value}.value === undefined`;
    const isOther = property.cases.map(({ name }) => `${value}.case !== '${name}'`).join(' && ');
    return [`    if (${isOther} && !(${isUnset})) checkOneof$(${given}, ${casesName(message.name, property)});`];
  }
  if (property.shape.kind === 'repeated')
    return [`    if (!globalThis.Array.isArray(${value})) checkArray$(${given});`];
  if (property.shape.kind !== 'map') return [];
  return [
    property.shape.key === 'string'
      ? `    if (${isNoLiteral(value)}) checkEntries$(${given});`
      : `    checkIsMap$(${given});`,
  ];
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
      return [`    ${tag}${call(type, property, imports)};`];
    case 'optional':
      return [`    if (${property} !== undefined) ${tag}${call(type, property, imports)};`];
    case 'case':
      return [
        `    if (message.${shape.oneof}.case === '${name}') ${tag}${call(type, `message.${shape.oneof}.value`, imports)};`,
      ];
    case 'repeated':
      if (!shape.packed) return [`    for (const item of ${property}) ${tag}${call(type, 'item', imports)};`];
      return [
        `    if (${property}.length > 0) {`,
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
        isRecord ? `    for (const key in ${property}) {` : `    for (const [key, value] of ${property}) {`,
        `      const mark = writer.tag(${keyOf(number, WIRE.lengthDelimited)}).open();`,
        `      writer.tag(${keyOf(1, wireOf(key))})${call(key, 'key', imports)};`,
        `      writer.tag(${keyOf(2, wireOf(type))})${call(type, value, imports)};`,
        '      writer.close(mark);',
        '    }',
      ];
    }
  }
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

/** Whether a value differs from its default; -0 does from 0, as its bits say. */
function isSet(value: string, type: FieldType): string {
  if (type.kind !== 'scalar') return `${value} !== 0`;
  if (type.scalar === 'double' || type.scalar === 'float') return `${value} !== 0 || 1 / ${value} < 0`;
  switch (scalarFacts(type.scalar, type.asNumber).type) {
    case 'number':
      return `${value} !== 0`;
    case 'bigint':
      return `${value} !== 0n`;
    case 'boolean':
      return `${value} !== false`;
    case 'string':
      return `${value} !== ''`;
    case 'Uint8Array':
      return `${value}.length !== 0`;
  }
}
