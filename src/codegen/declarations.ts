/** The types of a generated module: its .d.ts. */
import { docComment, header } from './texts.js';
import { Imports, type RuntimeModules } from './imports.js';
import { importStatement } from './module-kind.js';
import { scalarFacts } from './scalars.js';
import {
  type EnumSchema,
  type FieldSchema,
  type FieldType,
  type FileSchema,
  isOneof,
  type MessageSchema,
  type MethodSchema,
  type OneofSchema,
  type ServiceSchema,
} from './schema.js';

/** `Read` is what receivers see, `Init` what creators may pass. */
type Side = 'Read' | 'Init';

export function emitDeclarations(file: FileSchema, modules: RuntimeModules): string {
  const imports = new Imports(file, modules);
  const parts = file.declarations.map((declaration) => {
    if (declaration.kind === 'message') return emitMessage(declaration, imports);
    return declaration.kind === 'enum' ? emitEnum(declaration) : emitService(declaration, imports);
  });
  // A module without imports and exports would be a script.
  const body = parts.length === 0 ? [['export {};']] : parts;
  const imported = imports.all().map((one) => importStatement('import type', one));
  const top = [header(file), ...imported].join('\n');
  return `${[top, ...body.map((lines) => lines.join('\n'))].join('\n\n')}\n`;
}

function emitMessage(message: MessageSchema, imports: Imports): readonly string[] {
  const { name, properties } = message;
  return [
    ...docComment(message.comment, ''),
    `export interface ${name} {`,
    ...properties.flatMap((property) => emitProperty(property, 'Read', imports)),
    '}',
    `/** What {@link ${name}} is created from: defaults may be left out. */`,
    `export interface ${name}Init {`,
    ...properties.flatMap((property) => emitProperty(property, 'Init', imports)),
    '}',
    `export declare const ${name}: ${imports.runtime('MessageType')}<${name}, ${name}Init>;`,
  ];
}

function emitProperty(property: FieldSchema | OneofSchema, side: Side, imports: Imports): readonly string[] {
  const comment = docComment(property.comment, '  ');
  const key = side === 'Init' ? `readonly ${property.name}?` : `readonly ${property.name}`;
  const absent = side === 'Init' ? ' | undefined' : '';
  if (!isOneof(property)) return [...comment, `  ${key}: ${propertyType(property, side, imports)}${absent};`];
  return [
    ...comment,
    `  ${key}:`,
    ...property.cases.flatMap((field) => [
      ...docComment(field.comment, '    '),
      `    | { readonly case: '${field.name}'; readonly value: ${valueType(field.type, side, imports)} }`,
    ]),
    side === 'Init'
      ? '    | { readonly case?: undefined; readonly value?: undefined } | undefined;'
      : '    | { readonly case: undefined; readonly value: undefined };',
  ];
}

function propertyType(field: FieldSchema, side: Side, imports: Imports): string {
  const value = valueType(field.type, side, imports);
  switch (field.shape.kind) {
    case 'repeated':
      return `readonly ${value}[]`;
    case 'map': {
      const key = scalarFacts(field.shape.key).type;
      return key === 'string' ? `{ readonly [key: string]: ${value} }` : `ReadonlyMap<${key}, ${value}>`;
    }
    case 'optional':
      return side === 'Init' ? value : `${value} | undefined`;
    case 'implicit':
    case 'filled':
    case 'case':
      return value;
  }
}

function valueType(type: FieldType, side: Side, imports: Imports): string {
  switch (type.kind) {
    case 'scalar':
      if (type.isBorrowed === true && side === 'Read') return imports.runtime('BorrowedBytes');
      return scalarFacts(type.scalar, type.asNumber).type;
    case 'enum':
      return imports.local(type.reference);
    case 'message': {
      const service = type.service?.reference;
      if (service === undefined) return imports.local(type.reference, side === 'Init' ? 'Init' : '');
      return `${imports.runtime(side === 'Init' ? 'ServiceRefInit' : 'ServiceRef')}<${imports.local(service)}>`;
    }
  }
}

function emitEnum({ name, comment, values }: EnumSchema): readonly string[] {
  return [
    ...docComment(comment, ''),
    `export declare const ${name}: {`,
    ...values.flatMap((value) => [...docComment(value.comment, '  '), `  readonly ${value.name}: ${value.number};`]),
    '};',
    `export type ${name} = (typeof ${name})[keyof typeof ${name}];`,
  ];
}

function emitService(service: ServiceSchema, imports: Imports): readonly string[] {
  const { name } = service;
  return [
    ...docComment(service.comment, ''),
    `export declare const ${name}: ${imports.runtime('Service')}<{`,
    ...service.methods.flatMap((method) => [
      ...docComment(method.comment, '  '),
      `  readonly ${method.name}: ${methodType(method, imports)};`,
    ]),
    '}>;',
    `export type ${name} = typeof ${name};`,
  ];
}

function methodType(method: MethodSchema, imports: Imports): string {
  const { mode, streamsRequests, request, response } = method;
  const sent = `${imports.local(request)}, ${imports.local(request, 'Init')}`;
  if (mode === 'tell') return `${imports.runtime('TellMethod')}<${sent}>`;
  const answered = `${imports.local(response)}, ${imports.local(response, 'Init')}`;
  const name = streamsRequests
    ? { ask: 'ClientStreamMethod', stream: 'BidiStreamMethod' }[mode]
    : { ask: 'AskMethod', stream: 'StreamMethod' }[mode];
  return `${imports.runtime(name)}<${sent}, ${answered}>`;
}
