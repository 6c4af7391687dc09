/**
 * `create` of a message: one object literal with every field filled, also the normalisation before a local delivery. Checks what it is given,
 * because a local delivery does not pass `write`.
 */
import type { Imports } from './imports.js';
import { defaultSource, type Scalar, scalarFacts } from './scalars.js';
import { type FieldSchema, type FieldType, isOneof, type MessageSchema, type OneofSchema } from './schema.js';
import { messageSource } from './service-refs.js';
import {
  checkEntries,
  checkList,
  expected,
  isFloat,
  isNoLiteral,
  isUnrounded,
  isWrong,
  keyTest,
  type ValueType,
} from './value-checks.js';

export const NO_CASE = '{ case: undefined, value: undefined }';

export function emitCreate(
  { name, fullName, properties }: MessageSchema,
  imports: Imports,
): { readonly method: readonly string[]; readonly functions: readonly string[] } {
  const functions: string[] = [];
  const lines = properties.map((property) => `      ${property.name}: ${source(property)},`);
  const checkMessage = messageCheck('init', fullName);
  const checks = properties.flatMap((property) => (isOneof(property) ? [] : fieldCheck(property, fullName)));
  if (lines.length === 0) {
    return { method: ['  create(init = {}) {', checkMessage, '    return {};', '  },'], functions };
  }
  if (checks.length === 0) {
    return { method: ['  create(init = {}) {', checkMessage, '    return {', ...lines, '    };', '  },'], functions };
  }
  const method = [
    '  create(init = {}) {',
    checkMessage,
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
    const casesText = property.cases.map((field) => `'${field.name}'`).join(', ');
    functions.push(`const ${casesName(name, property)} = [${casesText}];`);
    functions.push(oneofFunction(helper, property, { name, fullName }, imports));
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
    const [local, field] = [messageSource(type, imports), `'${message}.${name}'`];
    if (shape.kind === 'repeated') return `createList(${given}, ${local}, ${field})`;
    if (shape.kind !== 'map') return `createField(${given}, ${local}, ${field})`;
    if (shape.key === 'string') return `createRecord(${given}, ${local}, ${field})`;
    return `createMap(${given}, ${local}, ${field}, ${keyTest(keyType(shape.key))})`;
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

/** The line that checks that a value can be a message: of most, it sees that they are object literals. */
export function messageCheck(value: string, fullName: string): string {
  return `    if (${isNoLiteral(value)}) checkMessage$(${value}, '${fullName}');`;
}

/** The lines that check a field that holds no messages, and round floats as a link does; messages are checked as they are created. */
function fieldCheck({ name, shape, type }: FieldSchema, message: string): readonly string[] {
  if (type.kind === 'message') return [];
  const value = `message.${name}`;
  const field = `'${message}.${name}'`;
  switch (shape.kind) {
    case 'map': {
      const check = `    ${checkEntries(keyType(shape.key), type, value, field)}`;
      const round = shape.key === 'string' ? 'roundRecord$' : 'roundMap$';
      return isFloat(type) ? [check, `    ${value} = ${round}(${value});`] : [check];
    }
    case 'repeated':
      return [
        isFloat(type) ? `    ${value} = floatList$(${value}, ${field});` : `    ${checkList(type, value, field)}`,
      ];
    case 'optional':
      return [
        isFloat(type)
          ? `    if (${value} !== undefined && (${isUnrounded(value)})) ${value} = float$(${value}, ${field});`
          : `    if (${value} !== undefined && ${isWrong(type, value)}) refuseField(${field}, '${expected(type)}', ${value});`,
      ];
    case 'filled':
    case 'implicit':
    case 'case':
      return [
        isFloat(type)
          ? `    if (${isUnrounded(value)}) ${value} = float$(${value}, ${field});`
          : `    if (${isWrong(type, value)}) refuseField(${field}, '${expected(type)}', ${value});`,
      ];
  }
}

function keyType(scalar: Scalar): ValueType {
  return { kind: 'scalar', scalar, asNumber: false };
}

/** The constant of a module with the names of the cases. */
export function casesName(message: string, { name }: OneofSchema): string {
  return `${message}$cases$${name}`;
}

function oneofFunction(
  helper: string,
  oneof: OneofSchema,
  { name: messageName, fullName: message }: Pick<MessageSchema, 'name' | 'fullName'>,
  imports: Imports,
): string {
  const { name, cases } = oneof;
  const lines = cases.flatMap((field) => {
    const label = `    case '${field.name}':`;
    const path = `'${message}.${field.name}'`;
    if (field.type.kind === 'message') {
      // A case whose message is empty may have no value.
      const given = 'init.value === undefined ? {} : init.value';
      const created = `createField(${given}, ${messageSource(field.type, imports)}, ${path})`;
      return [label, `      return { case: '${field.name}', value: ${created} };`];
    }
    const check = isFloat(field.type)
      ? `if (${isUnrounded('init.value')}) return { case: '${field.name}', value: float$(init.value, ${path}) };`
      : `if (${isWrong(field.type, 'init.value')}) refuseField(${path}, '${expected(field.type)}', init.value);`;
    return [label, `      ${check}`, '      return init;'];
  });
  const path = `'${message}.${name}'`;
  return [
    `function ${helper}(init) {`,
    `  if (init === undefined || init === null) return ${NO_CASE};`,
    '  switch (init.case) {',
    ...lines,
    '    default:',
    `      checkOneof$(init, ${path}, ${casesName(messageName, oneof)});`,
    `      return ${NO_CASE};`,
    '  }',
    '}',
  ].join('\n');
}
