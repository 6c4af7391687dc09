import { create, createFileRegistry, type FileRegistry } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import protobuf from 'protobufjs';

/** Converts messages and enums of some packages to descriptors for protobuf-es. The converter of protobufjs does not support maps. */
export function registryOf(root: protobuf.Root, packages: readonly string[]): FileRegistry {
  const file = packages.map((name) => {
    const namespace = root.lookup(name);
    if (!(namespace instanceof protobuf.Namespace)) throw new Error(`there is no package ${name}`);
    return create(FileDescriptorProtoSchema, {
      name: `${name}.proto`,
      package: name,
      syntax: 'proto3',
      messageType: namespace.nestedArray.filter((nested) => nested instanceof protobuf.Type).map(messageOf),
      enumType: namespace.nestedArray
        .filter((nested) => nested instanceof protobuf.Enum)
        .map(({ name: enumName, values }) => ({
          name: enumName,
          value: Object.entries(values).map(([valueName, number]) => ({ name: valueName, number })),
        })),
    });
  });
  return createFileRegistry(create(FileDescriptorSetSchema, { file }));
}

function messageOf(type: protobuf.Type): DescriptorProto {
  const optional = type.fieldsArray.filter(({ partOf }) => partOf?.isProto3Optional);
  const message = create(DescriptorProtoSchema, {
    name: type.name,
    field: type.fieldsArray.map((field) => fieldOf(field)),
    oneofDecl: optional.map(({ name }) => ({ name: `_${name}` })),
    nestedType: type.fieldsArray.filter((field) => field instanceof protobuf.MapField).map(entryOf),
  });
  for (const [oneofIndex, { id }] of optional.entries()) {
    const field = message.field.find(({ number }) => number === id);
    if (field !== undefined) Object.assign(field, { oneofIndex, proto3Optional: true });
  }
  return message;
}

function fieldOf(field: protobuf.Field): FieldDescriptorProto {
  const { name, id, parent, resolvedType } = field;
  const isMap = field instanceof protobuf.MapField;
  const typeName = isMap ? `${parent?.fullName}.${entryName(field)}` : (resolvedType?.fullName ?? '');
  return create(FieldDescriptorProtoSchema, {
    name,
    number: id,
    label: isMap || field.repeated ? FieldDescriptorProto_Label.REPEATED : FieldDescriptorProto_Label.OPTIONAL,
    type: isMap ? FieldDescriptorProto_Type.MESSAGE : typeOf(field.type, resolvedType),
    typeName,
  });
}

/** The entry type of a map: a map is a repeated message of it. */
function entryOf(field: protobuf.MapField): DescriptorProto {
  const member = (name: string, number: number, type: string) => ({
    name,
    number,
    label: FieldDescriptorProto_Label.OPTIONAL,
    type: typeOf(type, null),
  });
  return create(DescriptorProtoSchema, {
    name: entryName(field),
    field: [member('key', 1, field.keyType), member('value', 2, field.type)],
    options: { mapEntry: true },
  });
}

function entryName({ name }: protobuf.MapField): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}Entry`;
}

function typeOf(name: string, resolved: protobuf.ReflectionObject | null): FieldDescriptorProto_Type {
  if (resolved instanceof protobuf.Type) return FieldDescriptorProto_Type.MESSAGE;
  if (resolved instanceof protobuf.Enum) return FieldDescriptorProto_Type.ENUM;
  const type = FieldDescriptorProto_Type[name.toUpperCase() as keyof typeof FieldDescriptorProto_Type];
  if (type === undefined) throw new Error(`there is no type ${name}`);
  return type;
}
