/** The fields of a view: what its constructor notes of each, and the property that reads it. */
import { defaultOf, NO_CASE } from './message-create.js';
import { keyOf, wireOf } from './message-write.js';
import { scalarFacts, WIRE } from './scalars.js';
import { type FieldSchema, type FieldType, isOneof, type OneofSchema } from './schema.js';
import { messageSource } from './service-refs.js';
import type { ViewImports } from './view-imports.js';

/** Members of a view that say where a field is, with what they are while it is absent. */
export function slotsOf(
  property: FieldSchema | OneofSchema,
): readonly { readonly slot: string; readonly initial: number }[] {
  const slot = `$${property.name}`;
  if (isOneof(property))
    return [
      { slot, initial: 0 },
      { slot: caseSlot(property.name), initial: 0 },
    ];
  // A list begins at its first key, which may be the first byte. Everything else is behind its key.
  return [{ slot, initial: isList(property) ? -1 : 0 }];
}

/** The number of the field that a oneof has. */
function caseSlot(oneof: string): string {
  return `$${oneof}$case`;
}

function isList({ shape }: FieldSchema): boolean {
  return shape.kind === 'repeated' || shape.kind === 'map';
}

/** The cases of the switch in the constructor that note where a field is, and step over it: the first of a list, and the last of anything else. */
export function emitNote(field: FieldSchema, imports: ViewImports): readonly string[] {
  const { name, number, shape, type } = field;
  const wires = new Set([shape.kind === 'map' ? WIRE.lengthDelimited : wireOf(type)]);
  if (shape.kind === 'repeated') wires.add(WIRE.lengthDelimited);
  return [...wires].flatMap((wire) => [
    `        case ${keyOf(number, wire)}:`,
    ...noted().map((line) => `          ${line}`),
    `          at = ${after(wire, imports)};`,
    '          break;',
  ]);

  function noted(): readonly string[] {
    if (isList(field)) return [`if (this.$${name} < 0) this.$${name} = from;`];
    if (shape.kind !== 'case') return [`this.$${name} = at;`];
    return [`this.$${shape.oneof} = at;`, `this.${caseSlot(shape.oneof)} = ${number};`];
  }
}

/** The position behind a value at `at`, as an expression. */
function after(wire: number, imports: ViewImports): string {
  if (wire === WIRE.fixed64) return 'at + 8';
  if (wire === WIRE.fixed32) return 'at + 4';
  return `${imports.runtime(wire === WIRE.varint ? 'afterVarint' : 'afterBytes')}(bytes, at)`;
}

/** The constant that says how the elements of a list or map are read; nothing for other fields. */
export function emitListReader(field: FieldSchema, view: string, imports: ViewImports): readonly string[] {
  const { name, number, shape, type } = field;
  if (shape.kind === 'map') {
    const key: FieldType = { kind: 'scalar', scalar: shape.key, asNumber: false };
    return [
      `const ${view}$${name} = {`,
      `  key: ${keyOf(number, WIRE.lengthDelimited)},`,
      `  keyTag: ${keyOf(1, wireOf(key))},`,
      `  valueTag: ${keyOf(2, wireOf(type))},`,
      `  noKey: ${defaultOf(key)},`,
      `  noValue: () => ${emptyValue(type, imports)},`,
      `  readKey: (reader) => ${valueAt(key, 'reader', imports)},`,
      `  readValue: (reader) => ${valueAt(type, 'reader', imports)},`,
      '};',
    ];
  }
  if (shape.kind !== 'repeated') return [];
  const listed = type.kind === 'message' ? viewOf(type, imports) : undefined;
  // The class of the elements may be declared further down.
  if (listed !== undefined)
    return [
      `const ${view}$${name} = {`,
      `  key: ${keyOf(number, WIRE.lengthDelimited)},`,
      '  get type() {',
      `    return ${listed};`,
      '  },',
      '};',
    ];
  const packedKey = wireOf(type) === WIRE.lengthDelimited ? 0 : keyOf(number, WIRE.lengthDelimited);
  return [
    `const ${view}$${name} = {`,
    `  key: ${keyOf(number, wireOf(type))},`,
    `  packedKey: ${packedKey},`,
    `  read: (reader) => ${valueAt(type, 'reader', imports)},`,
    '};',
  ];
}

export function emitGetter(property: FieldSchema | OneofSchema, view: string, imports: ViewImports): readonly string[] {
  const { name } = property;
  return [`  get ${name}() {`, ...body(property, view, imports).map((line) => `    ${line}`), '  }'];
}

function body(property: FieldSchema | OneofSchema, view: string, imports: ViewImports): readonly string[] {
  const { name } = property;
  const reader = `this.$$at(this.$${name})`;
  if (isOneof(property)) {
    const cases = property.cases.flatMap((field) => [
      `  case ${field.number}:`,
      `    return { case: '${field.name}', value: ${valueAt(field.type, reader, imports)} };`,
    ]);
    return [`switch (this.${caseSlot(name)}) {`, ...cases, '  default:', `    return ${NO_CASE};`, '}'];
  }
  const { shape, type } = property;
  if (shape.kind === 'repeated')
    return [`return new ${imports.runtime('RepeatedView')}(this, this.$${name}, ${view}$${name});`];
  if (shape.kind === 'map') return [`return new ${imports.runtime('MapView')}(this, this.$${name}, ${view}$${name});`];
  const absent = shape.kind === 'filled' ? shape.source : shape.kind === 'optional' ? 'undefined' : defaultOf(type);
  return [`return this.$${name} === 0 ? ${absent} : ${valueAt(type, reader, imports)};`];
}

/** An expression for the value at the position of a reader. Messages that Millrace ships are decoded: they have no views. */
function valueAt(type: FieldType, reader: string, imports: ViewImports): string {
  if (type.kind === 'enum') return `${reader}.int32()`;
  if (type.kind === 'message') {
    const view = viewOf(type, imports);
    if (view === undefined) return `${reader}.message(${messageSource(type, imports)})`;
    return `${imports.runtime('viewIn')}(${view}, ${reader})`;
  }
  if (type.scalar === 'bytes') return `${imports.runtime('bytesIn')}(${reader})`;
  return `${reader}.${scalarFacts(type.scalar, type.asNumber).method}()`;
}

/** The value of an entry of a map that has none. */
function emptyValue(type: FieldType, imports: ViewImports): string {
  if (type.kind !== 'message') return defaultOf(type);
  const view = viewOf(type, imports);
  return view === undefined ? `${messageSource(type, imports)}.create()` : `${imports.runtime('emptyView')}(${view})`;
}

/** The view of a message; undefined where there is none. */
export function viewOf(type: Extract<FieldType, { kind: 'message' }>, imports: ViewImports): string | undefined {
  return type.service === undefined ? imports.view(type.reference) : undefined;
}
