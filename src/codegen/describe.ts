/** From the parser's objects to the schema; refuses what Millrace does not have. */
import protobuf from 'protobufjs';
import { ConfigError } from '../errors.js';
import { checkProperties, ExportedNames, propertyName } from './names.js';
import { commentOf, fullNameOf, referenceTo } from './reflection.js';
import { isScalar } from './scalars.js';
import {
  type Declaration,
  type EnumSchema,
  type FieldSchema,
  type FieldShape,
  type FieldType,
  type FileSchema,
  isOneof,
  type MessageSchema,
  type OneofSchema,
} from './schema.js';
import { describeService } from './service.js';

/** The file at `path`, whose source is in `root`. Throws ConfigError for what is refused, with file and name. */
export function describeFile(root: protobuf.Root, path: string): FileSchema {
  const declarations: Declaration[] = [];
  const names = new ExportedNames(path);
  visit(root);
  return { path, declarations };

  function visit(parent: protobuf.NamespaceBase): void {
    for (const object of parent.nestedArray) {
      if (object.filename === path) describe(object);
      if (object instanceof protobuf.Namespace) visit(object);
    }
  }

  function describe(object: protobuf.ReflectionObject): void {
    if (object instanceof protobuf.Type) {
      const message = describeMessage(object, path);
      names.add(message.name, `message ${message.fullName}`);
      names.add(`${message.name}Init`, `the Init type of message ${message.fullName}`);
      declarations.push(message);
    } else if (object instanceof protobuf.Enum) {
      const described = describeEnum(object, path);
      names.add(described.name, `enum ${described.fullName}`);
      declarations.push(described);
    } else if (object instanceof protobuf.Service) {
      const service = describeService(object, path);
      names.add(service.name, `service ${service.fullName}`);
      declarations.push(service);
    }
  }
}

function describeEnum(object: protobuf.Enum, path: string): EnumSchema {
  const fullName = fullNameOf(object);
  const values = Object.entries(object.values).map(([name, number]) => ({
    name,
    number,
    comment: object.comments[name] ?? undefined,
  }));
  if (values[0]?.number !== 0) throw new ConfigError(`${path}: the first value of enum ${fullName} must be 0.`);
  return { kind: 'enum', name: referenceTo(object).name, fullName, comment: commentOf(object), values };
}

function describeMessage(object: protobuf.Type, path: string): MessageSchema {
  const fullName = fullNameOf(object);
  const byField = new Map(object.fieldsArray.map((field) => [field, describeField(field, path)]));
  const properties: (FieldSchema | OneofSchema)[] = [];
  for (const [field, schema] of byField) {
    const oneof = schema.shape.kind === 'case' ? field.partOf : null;
    if (oneof === null) properties.push(schema);
    else if (oneof.fieldsArray[0] === field) properties.push(describeOneof(oneof, byField));
  }
  checkProperties(
    properties.map((property) => property.name),
    fullName,
    path,
  );
  for (const { name, cases } of properties.filter(isOneof)) {
    checkProperties(
      cases.map((one) => one.name),
      `oneof ${name} of ${fullName}`,
      path,
    );
  }
  const fields = [...byField.values()].sort((a, b) => a.number - b.number);
  return { kind: 'message', name: referenceTo(object).name, fullName, comment: commentOf(object), fields, properties };
}

function describeOneof(oneof: protobuf.OneOf, byField: ReadonlyMap<protobuf.Field, FieldSchema>): OneofSchema {
  const cases = oneof.fieldsArray.flatMap((field) => byField.get(field) ?? []);
  return { name: propertyName(oneof.name), comment: commentOf(oneof), cases };
}

function describeField(field: protobuf.Field, path: string): FieldSchema {
  if (field.id < 1)
    throw new ConfigError(`${path}: field ${fullNameOf(field)} has the number ${field.id}; they start at 1.`);
  const type = fieldType(field);
  return {
    name: propertyName(field.name),
    number: field.id,
    type,
    shape: fieldShape(field, type, path),
    comment: commentOf(field),
  };
}

function fieldType(field: protobuf.Field): FieldType {
  const { resolvedType } = field;
  if (resolvedType instanceof protobuf.Enum) return { kind: 'enum', reference: referenceTo(resolvedType) };
  if (resolvedType instanceof protobuf.Type) return { kind: 'message', reference: referenceTo(resolvedType) };
  if (!isScalar(field.type))
    throw new ConfigError(`${field.filename}: ${fullNameOf(field)} has the unknown type ${field.type}.`);
  return { kind: 'scalar', scalar: field.type, asNumber: field.options?.['jstype'] === 'JS_NUMBER' };
}

function fieldShape(field: protobuf.Field, type: FieldType, path: string): FieldShape {
  if (field instanceof protobuf.MapField) {
    if (!isScalar(field.keyType))
      throw new ConfigError(`${path}: ${fullNameOf(field)} cannot have keys of ${field.keyType}.`);
    return { kind: 'map', key: field.keyType };
  }
  if (field.repeated) {
    const packable =
      type.kind === 'enum' || (type.kind === 'scalar' && type.scalar !== 'string' && type.scalar !== 'bytes');
    return { kind: 'repeated', packed: packable && field.options?.['packed'] !== false };
  }
  const isOptional = field.options?.['proto3_optional'] === true;
  if (field.partOf !== null && !isOptional) return { kind: 'case', oneof: propertyName(field.partOf.name) };
  return { kind: isOptional || type.kind === 'message' ? 'optional' : 'implicit' };
}
