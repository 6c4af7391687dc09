/** `create` of a message: one object literal with every field filled, also the normalisation before a local delivery. */
import type { Imports } from './imports.js';
import { defaultSource, scalarFacts } from './scalars.js';
import { type FieldSchema, type FieldType, isOneof, type MessageSchema, type OneofSchema } from './schema.js';

export const NO_CASE = '{ case: undefined, value: undefined }';

export function emitCreate(
  { name, properties }: MessageSchema,
  imports: Imports,
): { readonly method: readonly string[]; readonly functions: readonly string[] } {
  const functions: string[] = [];
  const lines = properties.map((property) => `      ${property.name}: ${source(property)},`);
  if (lines.length === 0) return { method: ['  create() {', '    return {};', '  },'], functions };
  return { method: ['  create(init = {}) {', '    return {', ...lines, '    };', '  },'], functions };

  function source(property: FieldSchema | OneofSchema): string {
    if (!isOneof(property)) return fieldSource(property, imports);
    if (!property.cases.some((field) => field.type.kind === 'message')) return `init.${property.name} ?? ${NO_CASE}`;
    // Nothing else has a name with two `$`: neither `Row$fields` nor an alias such as `Row$1`.
    const helper = `${name}$create$${property.name}`;
    functions.push(oneofFunction(helper, property, imports));
    return `${helper}(init.${property.name})`;
  }
}

/** The default of a type that has one, as JavaScript source. */
export function defaultOf(type: FieldType): string {
  if (type.kind === 'message') return 'undefined';
  return type.kind === 'enum' ? String(type.first) : defaultSource(scalarFacts(type.scalar, type.asNumber).type);
}

function fieldSource({ name, shape, type }: FieldSchema, imports: Imports): string {
  const given = `init.${name}`;
  const message = type.kind === 'message' ? imports.local(type.reference) : undefined;
  switch (shape.kind) {
    case 'repeated':
      return message === undefined ? `${given} ?? []` : `${given}?.map((item) => ${message}.create(item)) ?? []`;
    case 'map':
      if (shape.key === 'string') {
        if (message === undefined) return `${given} ?? {}`;
        return `createRecord(${given}, ${message})`;
      }
      return message === undefined ? `${given} ?? new globalThis.Map()` : `createMap(${given}, ${message})`;
    case 'optional':
      return message === undefined ? given : `${given} === undefined ? undefined : ${message}.create(${given})`;
    case 'filled':
      return `${given} ?? ${shape.source}`;
    case 'implicit':
    case 'case':
      return `${given} ?? ${defaultOf(type)}`;
  }
}

function oneofFunction(helper: string, { cases }: OneofSchema, imports: Imports): string {
  const lines = cases.map((field) => {
    const value =
      field.type.kind === 'message' ? `${imports.local(field.type.reference)}.create(init.value)` : 'init.value';
    return `    case '${field.name}':\n      return { case: '${field.name}', value: ${value} };`;
  });
  return [
    `function ${helper}(init) {`,
    '  switch (init?.case) {',
    ...lines,
    '    default:',
    `      return ${NO_CASE};`,
    '  }',
    '}',
  ].join('\n');
}

/** Functions that a module has when it needs them, by name. */
export const FUNCTIONS: Readonly<Record<string, string>> = {
  createRecord: `function createRecord(init, type) {
  const record = {};
  for (const key in init) setEntry(record, key, type.create(init[key]));
  return record;
}`,
  createMap: `function createMap(init, type) {
  const map = new globalThis.Map();
  if (init !== undefined) for (const [key, value] of init) map.set(key, type.create(value));
  return map;
}`,
  setEntry: `/** As record[key] = value, for a key that a peer chose: this one would set the prototype. */
function setEntry(record, key, value) {
  if (key !== '__proto__') record[key] = value;
  else globalThis.Object.defineProperty(record, key, { value, configurable: true, enumerable: true, writable: true });
}`,
};
