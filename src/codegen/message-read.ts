/** `read` of a message: any order of fields, unknown ones skipped, known ones of a wrong wire type refused. */
import type { Imports } from './imports.js';
import { MEMORY } from './memory.js';
import { defaultOf, NO_CASE } from './message-create.js';
import { keyOf, wireOf } from './message-write.js';
import { scalarFacts, WIRE } from './scalars.js';
import { type FieldSchema, type FieldType, isOneof, type MessageSchema, type OneofSchema } from './schema.js';
import { messageSource } from './service-refs.js';

export function emitRead({ name, fields, properties }: MessageSchema, imports: Imports): readonly string[] {
  const unknown = `reader.skip(key, ${name}$fields)`;
  if (fields.length === 0) {
    return [
      '  read(reader, end) {',
      `    reader.charge(${MEMORY.object});`,
      `    while (reader.position < end) reader.skip(reader.tag(), ${name}$fields);`,
      '    return {};',
      '  },',
    ];
  }
  return [
    '  read(reader, end) {',
    `    reader.charge(${memoryOf(properties)});`,
    '    const message = {',
    ...properties.map((property) => `      ${property.name}: ${initial(property)},`),
    '    };',
    '    while (reader.position < end) {',
    '      const key = reader.tag();',
    '      switch (key) {',
    ...fields.flatMap((field) => emitField(field, imports)),
    '        default:',
    `          ${unknown};`,
    '      }',
    '    }',
    '    return message;',
    '  },',
  ];
}

/** What an empty message takes: the object, a slot for each property, and what some properties begin with. */
function memoryOf(properties: MessageSchema['properties']): number {
  return properties.reduce<number>((sum, property) => sum + MEMORY.property + memoryOfInitial(property), MEMORY.object);
}

function memoryOfInitial(property: FieldSchema | OneofSchema): number {
  // The chosen case becomes an object of two properties.
  if (isOneof(property)) return MEMORY.object + 2 * MEMORY.property;
  if (property.shape.kind === 'repeated') return MEMORY.array;
  if (property.shape.kind === 'map') return MEMORY.map;
  return 0;
}

function initial(property: FieldSchema | OneofSchema): string {
  if (isOneof(property)) return NO_CASE;
  switch (property.shape.kind) {
    case 'repeated':
      return '[]';
    case 'map':
      return property.shape.key === 'string' ? '{}' : 'new globalThis.Map()';
    case 'optional':
      return 'undefined';
    case 'filled':
      return property.shape.source;
    case 'implicit':
    case 'case':
      return defaultOf(property.type);
  }
}

function emitField(field: FieldSchema, imports: Imports): readonly string[] {
  const { name, number, shape, type } = field;
  const value = call(type, imports);
  switch (shape.kind) {
    case 'repeated': {
      const one = branch(keyOf(number, wireOf(type)), [`message.${name}.push(${value});`]);
      if (wireOf(type) === WIRE.lengthDelimited) return one;
      // Both forms are read, whichever is written.
      const packed = [
        'const outer = reader.narrow();',
        `const before = message.${name}.length;`,
        `while (reader.position < reader.end) message.${name}.push(${value});`,
        `reader.charge((message.${name}.length - before) * ${MEMORY.item});`,
        'reader.widen(outer);',
      ];
      return [...one, ...block(keyOf(number, WIRE.lengthDelimited), packed)];
    }
    case 'map':
      return block(keyOf(number, WIRE.lengthDelimited), entry(field, shape.key, value, imports));
    case 'case':
      return branch(keyOf(number, wireOf(type)), [`message.${shape.oneof} = { case: '${name}', value: ${value} };`]);
    case 'implicit':
    case 'filled':
    case 'optional':
      return branch(keyOf(number, wireOf(type)), [`message.${name} = ${value};`]);
  }
}

/** One entry of a map: a message of a key and a value, either of which may be missing. */
function entry(
  field: FieldSchema,
  keyScalar: Parameters<typeof scalarFacts>[0],
  value: string,
  imports: Imports,
): readonly string[] {
  const key: FieldType = { kind: 'scalar', scalar: keyScalar, asNumber: false };
  const { name, type } = field;
  const missing = type.kind === 'message' ? `entryValue ?? ${messageSource(type, imports)}.create()` : 'entryValue';
  return [
    'const outer = reader.narrow();',
    `reader.charge(${MEMORY.entry});`,
    `let entryKey = ${defaultOf(key)};`,
    `let entryValue${type.kind === 'message' ? '' : ` = ${defaultOf(type)}`};`,
    'while (reader.position < reader.end) {',
    '  const item = reader.tag();',
    `  if (item === ${keyOf(1, wireOf(key))}) entryKey = ${call(key, imports)};`,
    `  else if (item === ${keyOf(2, wireOf(type))}) entryValue = ${value};`,
    '  else reader.skip(item, [1, 2]);',
    '}',
    'reader.widen(outer);',
    keyScalar === 'string'
      ? `setEntry(message.${name}, entryKey, ${missing});`
      : `message.${name}.set(entryKey, ${missing});`,
  ];
}

function branch(key: number, lines: readonly string[]): readonly string[] {
  return [`        case ${key}:`, ...lines.map((line) => `          ${line}`), '          break;'];
}

function block(key: number, lines: readonly string[]): readonly string[] {
  return [`        case ${key}: {`, ...lines.map((line) => `          ${line}`), '          break;', '        }'];
}

function call(type: FieldType, imports: Imports): string {
  switch (type.kind) {
    case 'scalar':
      if (type.isBorrowed === true) return 'reader.borrow()';
      return `reader.${scalarFacts(type.scalar, type.asNumber).method}()`;
    case 'enum':
      return 'reader.int32()';
    case 'message':
      return `reader.message(${messageSource(type, imports)})`;
  }
}
