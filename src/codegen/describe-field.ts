import { withBorrowing } from './borrowed-fields.js';
import { checkField, isEdition, isPackable, wordOption } from './check-field.js';
import { checkOptions } from './check-options.js';
import { defaultValue } from './default-value.js';
import { checkProto, importHint, type Place } from './place.js';
import { type Features, featuresIn, withOptions } from './features.js';
import { propertyName } from './names.js';
import { isScalar, type Scalar } from './scalars.js';
import type { FieldSchema, FieldShape, FieldType } from './schema.js';
import { withService } from './service-refs.js';
import type { MessageSymbol, TypeSymbol } from './symbols.js';
import { type FieldNode, refusal } from './syntax/index.js';

/** Its fields are required, and almost every message of descriptor.proto holds it. No compiler leaves one in a descriptor, so they may be absent. */
const NAME_PART = 'google.protobuf.UninterpretedOption.NamePart';

/** Throws ConfigError, with file and line, for what protobuf does not allow and what Millrace does not have. */
export function describeField(field: FieldNode, message: MessageSymbol, place: Place): FieldSchema {
  const { file } = place;
  const fullName = `${message.fullName}.${field.name}`;
  const refuse = (why: string) => refusal(file.path, field.line, `field ${fullName} ${why}`);
  checkProto(field.name, `A field of ${message.fullName}`, field.line, file);
  const options = checkOptions(field.options, 'FieldOptions', message.fullName, place);
  if (field.isGroup)
    throw refuse(
      `is a group, which Millrace does not have: ${field.type} is a group. Declare a message and a field of its type.`,
    );
  if (field.label === 'required' && message.fullName !== NAME_PART)
    throw refuse('is required, which Millrace does not have. Make it optional.');
  const features = fieldFeatures(field, place);
  if (features.field_presence === 'LEGACY_REQUIRED')
    throw refuse('is required by its features, which Millrace does not have.');
  const target = isScalar(field.type) ? undefined : place.symbols.type(field.type, message.fullName, file);
  const plain = fieldType(field, target);
  if (plain === undefined) throw refuse(`has the unknown type ${field.type}. ${importHint(field.type, place.symbols)}`);
  const type = withBorrowing(withService(plain, field, options, message, place), field, options, message, place);
  if (features.message_encoding === 'DELIMITED' && type.kind === 'message' && field.keyType === undefined) {
    throw refuse('is encoded as a group by its features, which Millrace does not have.');
  }
  const isClosed = target?.kind === 'enum' && featuresIn(target.file, target.node.options)?.enum_type === 'CLOSED';
  checkField(field, type, { edition: file.edition, features, isClosed }, refuse);
  const shape = fieldShape(field, type, target, features, refuse);
  return { name: propertyName(field.name), number: field.number, type, shape, comment: field.comment };
}

/** The features of a field; what proto2 and proto3 say with words is said in terms of editions. */
function fieldFeatures(field: FieldNode, { file, features }: Place): Features {
  const own = withOptions(features, field.options, file.path);
  if (isEdition(file.edition)) return own;
  const packed = wordOption(field.options, 'packed');
  return {
    ...own,
    ...(packed === undefined ? {} : { repeated_field_encoding: packed === 'true' ? 'PACKED' : 'EXPANDED' }),
    ...(field.label === 'optional' ? { field_presence: 'EXPLICIT' } : {}),
  };
}

function fieldType(field: FieldNode, target: TypeSymbol | undefined): FieldType | undefined {
  if (isScalar(field.type)) {
    return { kind: 'scalar', scalar: field.type, asNumber: wordOption(field.options, 'jstype') === 'JS_NUMBER' };
  }
  if (target === undefined) return undefined;
  const reference = { file: target.file.path, name: target.exportedName, fullName: target.fullName };
  if (target.kind === 'message') return { kind: 'message', reference };
  return { kind: 'enum', reference, first: target.node.values[0]?.number ?? 0 };
}

function fieldShape(
  field: FieldNode,
  type: FieldType,
  target: TypeSymbol | undefined,
  features: Features,
  refuse: (why: string) => Error,
): FieldShape {
  if (field.keyType !== undefined) {
    if (!isMapKey(field.keyType)) {
      throw refuse(`cannot have keys of ${field.keyType}. Keys are integers, strings or booleans.`);
    }
    return { kind: 'map', key: field.keyType };
  }
  if (field.label === 'repeated') {
    return { kind: 'repeated', packed: isPackable(field, type) && features.repeated_field_encoding === 'PACKED' };
  }
  if (field.oneof !== undefined) return { kind: 'case', oneof: propertyName(field.oneof) };
  if (type.kind === 'message') return { kind: 'optional' };
  const declared = field.options.find(({ spelling }) => spelling === 'default');
  if (declared !== undefined) {
    if (features.field_presence === 'IMPLICIT') throw refuse('cannot declare a default in proto3. Remove the option.');
    const source = defaultValue(type, declared.value, target?.kind === 'enum' ? target.node : undefined);
    if (source === undefined) throw refuse('has a default that is no value of its type. Change one of them.');
    return { kind: 'filled', source };
  }
  if (features.field_presence === 'EXPLICIT') return { kind: 'optional' };
  return { kind: 'implicit' };
}

function isMapKey(type: string): type is Scalar {
  return isScalar(type) && type !== 'double' && type !== 'float' && type !== 'bytes';
}
