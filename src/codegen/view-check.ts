/** `check` of a view: steps over a message, and refuses what `read` of the message refuses. */
import { keyOf, wireOf } from './message-write.js';
import { scalarFacts, WIRE } from './scalars.js';
import type { FieldSchema, FieldType, MessageSchema } from './schema.js';
import { messageSource } from './service-refs.js';
import { viewOf } from './view-fields.js';
import type { ViewImports } from './view-imports.js';

export function emitViewCheck({ fields }: MessageSchema, view: string, imports: ViewImports): readonly string[] {
  const unknown = `reader.skip(key, ${view}$$numbers);`;
  const known = [
    '      switch (key) {',
    ...fields.flatMap((field) => emitField(field, imports)),
    '        default:',
    `          ${unknown}`,
    '      }',
  ];
  return [
    '  static check(reader) {',
    '    while (reader.position < reader.end) {',
    '      const key = reader.tag();',
    ...(fields.length === 0 ? [`      ${unknown}`] : known),
    '    }',
    '  }',
  ];
}

function emitField({ number, shape, type }: FieldSchema, imports: ViewImports): readonly string[] {
  const one = step(type, imports);
  if (shape.kind === 'map') {
    const key: FieldType = { kind: 'scalar', scalar: shape.key, asNumber: false };
    return block(keyOf(number, WIRE.lengthDelimited), [
      'const outer = reader.narrow();',
      'while (reader.position < reader.end) {',
      '  const item = reader.tag();',
      `  if (item === ${keyOf(1, wireOf(key))}) ${step(key, imports)};`,
      `  else if (item === ${keyOf(2, wireOf(type))}) ${one};`,
      '  else reader.skip(item, [1, 2]);',
      '}',
      'reader.widen(outer);',
    ]);
  }
  const single = block(keyOf(number, wireOf(type)), [`${one};`]);
  if (shape.kind !== 'repeated' || wireOf(type) === WIRE.lengthDelimited) return single;
  const packed = [
    'const outer = reader.narrow();',
    `while (reader.position < reader.end) ${one};`,
    'reader.widen(outer);',
  ];
  return [...single, ...block(keyOf(number, WIRE.lengthDelimited), packed)];
}

function block(key: number, lines: readonly string[]): readonly string[] {
  return [`        case ${key}: {`, ...lines.map((line) => `          ${line}`), '          break;', '        }'];
}

/** Steps over one value. What cannot be a value of its type although its bytes are all there is read, to be refused. */
function step(type: FieldType, imports: ViewImports): string {
  if (type.kind === 'enum') return 'reader.uint32()';
  if (type.kind === 'message') {
    const view = viewOf(type, imports);
    if (view === undefined) return `reader.message(${messageSource(type, imports)})`;
    return `${imports.runtime('checkMessage')}(${view}, reader)`;
  }
  const { wire, method } = scalarFacts(type.scalar, type.asNumber);
  if (type.scalar === 'string') return `${imports.runtime('checkUtf8')}(reader)`;
  if (method.endsWith('Number')) return `reader.${method}()`;
  switch (wire) {
    case WIRE.varint:
      return type.scalar.endsWith('32') ? 'reader.uint32()' : 'reader.varint64()';
    case WIRE.fixed64:
      return 'reader.take(8)';
    case WIRE.fixed32:
      return 'reader.take(4)';
    case WIRE.lengthDelimited:
      return 'reader.skipLength()';
  }
}
