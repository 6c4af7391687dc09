/** Fields of `bytes` that are lent to who reads the message: how the option is read, and which messages have such fields. */
import type { CustomOption } from './check-options.js';
import type { Place } from './place.js';
import type { FieldType, FileSchema, MessageSchema } from './schema.js';
import type { MessageSymbol } from './symbols.js';
import { type FieldNode, refusal } from './syntax/index.js';

/** As protos/millrace/v1/annotations.proto declares it. */
const OPTION = 'millrace.v1.borrow';

/** The type of a field, borrowed where its option says so. Throws ConfigError for the option of a field that has no bytes. */
export function withBorrowing(
  type: FieldType,
  field: FieldNode,
  options: readonly CustomOption[],
  message: MessageSymbol,
  { file }: Place,
): FieldType {
  const value = options.find(({ extension }) => extension.fullName === OPTION)?.value;
  if (value === undefined) return type;
  if (type.kind !== 'scalar' || type.scalar !== 'bytes') {
    const what = `field ${message.fullName}.${field.name} has the option ${OPTION}, which is for fields of bytes. Remove it.`;
    throw refusal(file.path, field.line, what);
  }
  return value.kind === 'word' && value.text === 'true' ? { ...type, isBorrowed: true } : type;
}

/** The full names of all messages that have such fields, themselves or in messages within them. */
export function borrowingMessages(files: readonly FileSchema[]): ReadonlySet<string> {
  const messages = files.flatMap(({ declarations }) => declarations.filter((one) => one.kind === 'message'));
  const found = new Set<string>();
  const borrows = ({ fields }: MessageSchema): boolean =>
    fields.some(({ type }) => {
      if (type.kind === 'message') return found.has(type.reference.fullName);
      return type.kind === 'scalar' && type.isBorrowed === true;
    });
  for (let count = -1; count < found.size; ) {
    count = found.size;
    for (const message of messages) if (borrows(message)) found.add(message.fullName);
  }
  return found;
}
