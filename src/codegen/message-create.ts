/**
 * `create` of a message: one object literal with every field filled, also the normalisation before a local delivery. Checks what it is given,
 * because a local delivery does not pass `write`.
 */
import type { Imports } from './imports.js';
import { defaultSource, scalarFacts } from './scalars.js';
import { type FieldSchema, type FieldType, isOneof, type MessageSchema, type OneofSchema } from './schema.js';
import { allAre, entriesAre, expected, isWrong, type ValueType } from './value-checks.js';

export const NO_CASE = '{ case: undefined, value: undefined }';

export function emitCreate(
  { name, fullName, properties }: MessageSchema,
  imports: Imports,
): { readonly method: readonly string[]; readonly functions: readonly string[] } {
  const functions: string[] = [];
  const lines = properties.map((property) => `      ${property.name}: ${source(property)},`);
  if (lines.length === 0) return { method: ['  create() {', '    return {};', '  },'], functions };
  const checks = properties.flatMap((property) => (isOneof(property) ? [] : fieldCheck(property, fullName)));
  if (checks.length === 0) {
    return { method: ['  create(init = {}) {', '    return {', ...lines, '    };', '  },'], functions };
  }
  const method = [
    '  create(init = {}) {',
    '    const message = {',
    ...lines,
    '    };',
    ...checks,
    '    return message;',
  ];
  return { method: [...method, '  },'], functions };

  function source(property: FieldSchema | OneofSchema): string {
    if (!isOneof(property)) return fieldSource(property, fullName, imports);
    // Nothing else has a name with two `$`: neither `Row$fields` nor an alias such as `Row$1`.
    const helper = `${name}$create$${property.name}`;
    functions.push(oneofFunction(helper, property, fullName, imports));
    return `${helper}(init.${property.name})`;
  }
}

/** The default of a type that has one, as JavaScript source. */
export function defaultOf(type: FieldType): string {
  if (type.kind === 'message') return 'undefined';
  return type.kind === 'enum' ? String(type.first) : defaultSource(scalarFacts(type.scalar, type.asNumber).type);
}

function fieldSource({ name, shape, type }: FieldSchema, message: string, imports: Imports): string {
  const given = `init.${name}`;
  if (type.kind === 'message') {
    const [local, field] = [imports.local(type.reference), `'${message}.${name}'`];
    if (shape.kind === 'repeated') return `createList(${given}, ${local}, ${field})`;
    if (shape.kind !== 'map') return `createField(${given}, ${local}, ${field})`;
    return `${shape.key === 'string' ? 'createRecord' : 'createMap'}(${given}, ${local}, ${field})`;
  }
  switch (shape.kind) {
    case 'repeated':
      return `${given} ?? []`;
    case 'map':
      return shape.key === 'string' ? `${given} ?? {}` : `${given} ?? new globalThis.Map()`;
    case 'optional':
      return given;
    case 'filled':
      return `${given} ?? ${shape.source}`;
    case 'implicit':
    case 'case':
      return `${given} ?? ${defaultOf(type)}`;
  }
}

/** The line that checks a field that holds no messages; those are checked as they are created. */
function fieldCheck({ name, shape, type }: FieldSchema, message: string): readonly string[] {
  const value = `message.${name}`;
  const refuse = (what: string): string => `refuseField('${message}.${name}', '${what}', ${value});`;
  switch (shape.kind) {
    case 'map': {
      const key: ValueType = { kind: 'scalar', scalar: shape.key, asNumber: false };
      const what = type.kind === 'message' ? undefined : type;
      return [`    if (!${entriesAre(key, what, value)}) ${refuse(`${entriesWord(key)} of ${entryWords(key, type)}`)}`];
    }
    case 'repeated':
      return type.kind === 'message'
        ? []
        : [`    if (!${allAre(type, value)}) ${refuse(`an array, each item ${expected(type)}`)}`];
    case 'optional':
      return type.kind === 'message'
        ? []
        : [`    if (${value} !== undefined && ${isWrong(type, value)}) ${refuse(expected(type))}`];
    case 'filled':
    case 'implicit':
    case 'case':
      return type.kind === 'message' ? [] : [`    if (${isWrong(type, value)}) ${refuse(expected(type))}`];
  }
}

function entriesWord(key: ValueType): string {
  return key.kind === 'scalar' && key.scalar === 'string' ? 'an object' : 'a Map';
}

function entryWords(key: ValueType, type: FieldType): string {
  const value = type.kind === 'message' ? 'a message' : expected(type);
  return key.kind === 'scalar' && key.scalar === 'string' ? value : `${expected(key)} to ${value}`;
}

function oneofFunction(helper: string, { name, cases }: OneofSchema, message: string, imports: Imports): string {
  const lines = cases.flatMap((field) => {
    const label = `    case '${field.name}':`;
    const path = `'${message}.${field.name}'`;
    if (field.type.kind === 'message') {
      const created = `createField(init.value ?? {}, ${imports.local(field.type.reference)}, ${path})`;
      return [label, `      return { case: '${field.name}', value: ${created} };`];
    }
    const refuse = `refuseField(${path}, '${expected(field.type)}', init.value);`;
    return [label, `      if (${isWrong(field.type, 'init.value')}) ${refuse}`, '      return init;'];
  });
  return [
    `function ${helper}(init) {`,
    '  switch (init?.case) {',
    ...lines,
    '    case undefined:',
    `      return ${NO_CASE};`,
    '    default:',
    `      return refuseField('${message}.${name}', 'one of the cases ${cases.map((field) => field.name).join(', ')}', init.case);`,
    '  }',
    '}',
  ].join('\n');
}
