import { checkOptions } from './check-options.js';
import { checkProto, type Place } from './place.js';
import { describeField } from './describe-field.js';
import { propertyName, repeated } from './names.js';
import { type FieldSchema, isOneof, type MessageSchema, type OneofSchema } from './schema.js';
import { type MessageSymbol, scopeOf } from './symbols.js';
import { type FieldNode, type FileNode, type MessageNode, refusal } from './syntax/index.js';

const MAX_NUMBER = 536_870_911;
/** For the implementation of protobuf, says protobuf. */
const [FIRST_RESERVED, LAST_RESERVED] = [19_000, 19_999];

/** Throws ConfigError, with file and line, for what protobuf does not allow and what Millrace does not have. */
export function describeMessage(symbol: MessageSymbol, place: Place): MessageSchema {
  const { node, fullName, exportedName } = symbol;
  const { file } = place;
  checkOptions(node.options, 'MessageOptions', scopeOf(fullName), place);
  checkSupported(node, fullName, file);
  for (const { options } of node.oneofs) checkOptions(options, 'OneofOptions', fullName, place);
  checkNumbers(node, fullName, file.path);
  const described = node.fields.map((field) => ({ field, schema: describeField(field, symbol, place) }));
  const properties: (FieldSchema | OneofSchema)[] = [];
  for (const { field, schema } of described) {
    if (field.oneof === undefined) properties.push(schema);
    else if (node.fields.find(({ oneof }) => oneof === field.oneof) === field) properties.push(oneofOf(field.oneof));
  }
  checkUnique(properties, `message ${fullName}`);
  for (const oneof of properties.filter(isOneof)) checkUnique(oneof.cases, `oneof ${oneof.name} of ${fullName}`);
  const fields = described.map(({ schema }) => schema).sort((a, b) => a.number - b.number);
  return { kind: 'message', name: exportedName, fullName, comment: node.comment, fields, properties };

  function oneofOf(name: string): OneofSchema {
    const cases = described.filter(({ field }) => field.oneof === name).map(({ schema }) => schema);
    return { name: propertyName(name), comment: node.oneofs.find((one) => one.name === name)?.comment, cases };
  }

  function checkUnique(members: readonly { readonly name: string }[], what: string): void {
    const twice = repeated(members.map(({ name }) => name));
    if (twice === undefined) return;
    throw refusal(
      file.path,
      lineOf(node, twice),
      `Two members of ${what} would both be the property "${twice}". Rename one of them.`,
    );
  }
}

/** Line of the last member that becomes the property `name`. */
function lineOf({ fields, oneofs, line }: MessageNode, name: string): number {
  const members = [...fields, ...oneofs].filter((member) => propertyName(member.name) === name);
  return Math.max(line, ...members.map((member) => member.line));
}

function checkSupported({ options, oneofs, line }: MessageNode, fullName: string, file: FileNode): void {
  const entry = options.find(({ spelling }) => spelling === 'map_entry');
  if (entry !== undefined) {
    throw refusal(
      file.path,
      entry.line,
      `message ${fullName} cannot set map_entry itself. Declare a field of the type map<K, V> instead.`,
    );
  }
  if (options.some(({ spelling }) => spelling === 'message_set_wire_format')) {
    throw refusal(file.path, line, `message ${fullName} is a message set, which Millrace does not have.`);
  }
  for (const oneof of oneofs) {
    checkProto(oneof.name, `A oneof of ${fullName}`, oneof.line, file);
    if (oneof.fieldCount > 0) continue;
    throw refusal(file.path, oneof.line, `oneof ${fullName}.${oneof.name} has no field. Declare one, or remove it.`);
  }
}

function checkNumbers({ fields, reserved }: MessageNode, fullName: string, path: string): void {
  const names = new Map<number, string>();
  for (const field of fields) {
    const { name, number, line } = field;
    const wrong = wrongNumber(field) ?? taken(field);
    if (wrong !== undefined) throw refusal(path, line, `field ${fullName}.${name} has ${wrong}`);
    names.set(number, name);
  }

  function taken({ name, number }: FieldNode): string | undefined {
    const other = names.get(number);
    if (other !== undefined) return `the number of ${other}, ${number}: a duplicate id ${number}. Choose another.`;
    if (reserved.names.includes(name)) return `a reserved name. Choose another.`;
    const isReserved = reserved.ranges.some(({ from, to }) => number >= from && number <= to);
    return isReserved ? `the reserved number ${number}. Choose another.` : undefined;
  }
}

function wrongNumber({ number }: FieldNode): string | undefined {
  if (number < 1 || number > MAX_NUMBER) return `the number ${number}. Numbers are from 1 to ${MAX_NUMBER}.`;
  if (number < FIRST_RESERVED || number > LAST_RESERVED) return undefined;
  return `the number ${number}, and protobuf keeps ${FIRST_RESERVED} to ${LAST_RESERVED} for itself. Choose another.`;
}
