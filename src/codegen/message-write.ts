/**
 * `write` of a message: fields by number, defaults left out. It takes what `create` takes, so that a message is sent without a copy of it, and
 * refuses what `create` refuses. The writer checks values, and does not know their fields: who writes calls `create` to name the wrong one.
 */
import type { Imports } from './imports.js';
import { casesName, defaultOf, messageCheck } from './message-create.js';
import { scalarFacts, WIRE } from './scalars.js';
import { type FieldSchema, type FieldType, isOneof, type MessageSchema, type OneofSchema } from './schema.js';
import { messageSource } from './service-refs.js';
import { isNoLiteral } from './value-checks.js';

export function emitWrite(message: MessageSchema, imports: Imports): readonly string[] {
  const { fields, properties, fullName } = message;
  return [
    `  write(message${fields.length === 0 ? '' : ', writer'}) {`,
    messageCheck('message', fullName),
    ...properties.flatMap((property) => (isOneof(property) ? emitOneof(property, message) : [])),
    ...fields.flatMap((field) => emitField(field, fullName, imports)),
    '  },',
  ];
}

/** Reads a oneof into a variable, and checks it: of another kind of object nothing would be written. */
function emitOneof(oneof: OneofSchema, message: MessageSchema): readonly string[] {
  const value = `$${oneof.name}`;
  const isUnset = `'case' in ${value} && ${value}.case === undefined && ${value}.value === undefined`;
  const isOther = oneof.cases.map(({ name }) => `${value}.case !== '${name}'`).join(' && ');
  const check = `checkOneof$(${value}, '${message.fullName}.${oneof.name}', ${casesName(message.name, oneof)});`;
  return [
    `    const ${value} = message.${oneof.name};`,
    `    if (${isGiven(value)} && ${isOther} && !(${isUnset})) ${check}`,
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

/** Each field is read once, into a variable: no message has a name that begins with `$`. The writer checks values, but not lists and maps. */
function emitField(field: FieldSchema, message: string, imports: Imports): readonly string[] {
  const { name, number, shape, type } = field;
  const given = `message.${name}`;
  const value = `$${number}`;
  const path = `${value}, '${message}.${name}'`;
  const tag = `writer.tag(${keyOf(number, wireOf(type))})`;
  const lengthDelimited = `const mark = writer.tag(${keyOf(number, WIRE.lengthDelimited)}).open();`;
  switch (shape.kind) {
    case 'implicit':
      return [
        `    const ${value} = ${isBytes(type) ? given : `${given} ?? ${defaultOf(type)}`};`,
        `    if (${isSet(value, type)}) ${tag}${call(type, value, imports)};`,
      ];
    case 'filled':
      return [`    ${tag}${call(type, `${given} ?? ${shape.source}`, imports)};`];
    case 'optional':
      return [`    const ${value} = ${given};`, `    if (${value} !== undefined) ${tag}${call(type, value, imports)};`];
    case 'case': {
      const chosen = `$${shape.oneof}`;
      return [
        `    if (${chosen}?.case === '${name}') ${tag}${call(type, caseValue(type, `${chosen}.value`), imports)};`,
      ];
    }
    case 'repeated': {
      const start = [
        `    const ${value} = ${given};`,
        `    if (${isGiven(value)}) {`,
        `      if (!globalThis.Array.isArray(${value})) checkArray$(${path});`,
      ];
      if (!shape.packed) {
        return [...start, `      for (const item of ${value}) ${tag}${call(type, 'item', imports)};`, '    }'];
      }
      return [
        ...start,
        `      if (${value}.length > 0) {`,
        `        ${lengthDelimited}`,
        `        for (const item of ${value}) writer${call(type, 'item', imports)};`,
        '        writer.close(mark);',
        '      }',
        '    }',
      ];
    }
    case 'map': {
      const isRecord = shape.key === 'string';
      const key: FieldType = { kind: 'scalar', scalar: shape.key, asNumber: false };
      return [
        `    const ${value} = ${given};`,
        `    if (${isGiven(value)}) {`,
        isRecord ? `      if (${isNoLiteral(value)}) checkEntries$(${path});` : `      checkIsMap$(${path});`,
        isRecord ? `      for (const key in ${value}) {` : `      for (const [key, value] of ${value}) {`,
        `        ${lengthDelimited}`,
        `        writer.tag(${keyOf(1, wireOf(key))})${call(key, 'key', imports)};`,
        `        writer.tag(${keyOf(2, wireOf(type))})${call(type, isRecord ? `${value}[key]` : 'value', imports)};`,
        '        writer.close(mark);',
        '      }',
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

function isBytes(type: FieldType): boolean {
  return type.kind === 'scalar' && scalarFacts(type.scalar, type.asNumber).type === 'Uint8Array';
}

/** Whether a value differs from its default; -0 does from 0, as its bits say. */
function isSet(value: string, type: FieldType): string {
  // An empty text or list is no bytes either, and is refused.
  if (isBytes(type)) return `${isGiven(value)} && ${value}.byteLength !== 0`;
  const differs = `${value} !== ${defaultOf(type)}`;
  if (type.kind === 'scalar' && (type.scalar === 'double' || type.scalar === 'float'))
    return `${differs} || 1 / ${value} < 0`;
  return differs;
}
