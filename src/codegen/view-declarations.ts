/** The types of the views of a file. */
import { importStatement } from './module-kind.js';
import type { RuntimeModules } from './imports.js';
import { scalarFacts } from './scalars.js';
import {
  type FieldSchema,
  type FieldType,
  type FileSchema,
  isOneof,
  type MessageSchema,
  type OneofSchema,
} from './schema.js';
import { docComment, header } from './texts.js';
import { viewOf } from './view-fields.js';
import { ViewImports, viewName } from './view-imports.js';

/** Undefined for a file without messages. */
export function emitViewDeclarations(file: FileSchema, modules: RuntimeModules): string | undefined {
  const messages = file.declarations.filter((one) => one.kind === 'message');
  if (messages.length === 0) return undefined;
  const imports = new ViewImports(file, modules);
  const parts = messages.map((message) => emitView(message, imports).join('\n'));
  const top = [header(file), ...imports.all().map((one) => importStatement('import type', one))].join('\n');
  return `${[top, ...parts].join('\n\n')}\n`;
}

function emitView({ comment, name, properties }: MessageSchema, imports: ViewImports): readonly string[] {
  const view = viewName(name);
  return [
    ...docComment(comment, ''),
    `export declare class ${view} {`,
    '  static readonly typeName: string;',
    '  /** Checks all of `bytes`, and views it in place. Throws ProtocolError as `decode` does. No property fails later. */',
    `  static of(bytes: Uint8Array): ${view};`,
    '  private constructor();',
    ...properties.flatMap((property) => emitProperty(property, imports)),
    '}',
  ];
}

function emitProperty(property: FieldSchema | OneofSchema, imports: ViewImports): readonly string[] {
  const comment = docComment(property.comment, '  ');
  if (!isOneof(property)) return [...comment, `  readonly ${property.name}: ${propertyType(property, imports)};`];
  return [
    ...comment,
    `  readonly ${property.name}:`,
    ...property.cases.flatMap((field) => [
      ...docComment(field.comment, '    '),
      `    | { readonly case: '${field.name}'; readonly value: ${valueType(field.type, imports)} }`,
    ]),
    '    | { readonly case: undefined; readonly value: undefined };',
  ];
}

function propertyType({ shape, type }: FieldSchema, imports: ViewImports): string {
  const value = valueType(type, imports);
  switch (shape.kind) {
    case 'repeated':
      return `${imports.runtime('RepeatedView')}<${value}>`;
    case 'map':
      return `${imports.runtime('MapView')}<${scalarFacts(shape.key).type}, ${value}>`;
    case 'optional':
      return `${value} | undefined`;
    case 'implicit':
    case 'filled':
    case 'case':
      return value;
  }
}

function valueType(type: FieldType, imports: ViewImports): string {
  switch (type.kind) {
    case 'scalar':
      return scalarFacts(type.scalar, type.asNumber).type;
    case 'enum':
      return imports.local(type.reference);
    case 'message': {
      const service = type.service?.reference;
      if (service !== undefined) return `${imports.runtime('ServiceRef')}<${imports.local(service)}>`;
      return viewOf(type, imports) ?? imports.local(type.reference);
    }
  }
}
