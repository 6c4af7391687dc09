/** Fields of `millrace.v1.Ref` that name the service of the actor: how the option is read, and the message type that checks it. */
import type { CustomOption } from './check-options.js';
import type { Imports } from './imports.js';
import type { Place } from './place.js';
import { type FieldType, isOneof, type MessageSchema, type ReferencedService } from './schema.js';
import type { MessageSymbol } from './symbols.js';
import { type FieldNode, refusal } from './syntax/index.js';

const REF = 'millrace.v1.Ref';
/** As protos/millrace/v1/annotations.proto declares it. */
const OPTION = 'millrace.v1.service';

type MessageFieldType = Extract<FieldType, { readonly kind: 'message' }>;

/** The type of a field with the service that its option names, if it has one. Throws ConfigError for a wrong one. */
export function withService(
  type: FieldType,
  field: FieldNode,
  options: readonly CustomOption[],
  message: MessageSymbol,
  { file, symbols }: Place,
): FieldType {
  const value = options.find(({ extension }) => extension.fullName === OPTION)?.value;
  if (value?.kind !== 'string') return type;
  const refuse = (why: string) => refusal(file.path, field.line, `field ${message.fullName}.${field.name} ${why}`);
  if (type.kind !== 'message' || type.reference.fullName !== REF) {
    throw refuse(`has the option ${OPTION}, which is for fields of ${REF}. Remove it.`);
  }
  const name = Buffer.from(value.bytes).toString('utf8');
  const service = symbols.service(name, message.fullName, file);
  if (service === undefined) {
    throw refuse(`names the service ${JSON.stringify(name)}, which is not known here. Is an import missing?`);
  }
  const { fullName, exportedName } = service;
  return { ...type, service: { fullName, reference: { file: service.file.path, name: exportedName, fullName } } };
}

/** The message type of a field, as JavaScript source. */
export function messageSource({ reference, service }: MessageFieldType, imports: Imports): string {
  return service === undefined ? imports.local(reference) : checkedName(service);
}

/** The constants that a module needs for its references to services. */
export function serviceRefs(messages: readonly MessageSchema[], imports: Imports): readonly string[] {
  const constants = messages.flatMap(({ properties }) =>
    properties
      .flatMap((property) => (isOneof(property) ? property.cases : [property]))
      .flatMap(({ type }) => {
        if (type.kind !== 'message' || type.service === undefined) return [];
        const { reference, service } = type;
        return [`const ${checkedName(service)} = refTo$(${imports.local(reference)}, '${service.fullName}');`];
      }),
  );
  return [...new Set(constants)];
}

/** Nothing else has a name that ends with `$`, and is no function of the module. */
function checkedName({ fullName }: ReferencedService): string {
  return `refTo$${fullName.replaceAll('.', '$')}$`;
}
