/** `extend`: options may be extended; other messages have fixed fields in what is generated. */
import { wrongNumber } from './describe-message.js';
import { checkOptions } from './check-options.js';
import { importHint, type Place } from './place.js';
import { isScalar } from './scalars.js';
import { join, type MessageSymbol } from './symbols.js';
import { type ExtensionNode, type FileNode, refusal } from './syntax/index.js';

/** Checks all extensions within `scope`. Throws ConfigError for what protobuf does not allow and what Millrace does not have. */
export function checkExtensions(
  { extensions, messages }: Pick<FileNode, 'extensions' | 'messages'>,
  scope: string,
  place: Place,
): void {
  for (const extension of extensions) {
    const extended = extendedBy(extension, scope, place);
    const problem = problemOf(extension, extended, scope, place);
    const { name, line } = extension.field;
    if (problem !== undefined) throw refusal(place.file.path, line, `extension ${join(scope, name)} ${problem}`);
    checkOptions(extension.field.options, 'FieldOptions', scope, place);
  }
  for (const message of messages) checkExtensions(message, join(scope, message.name), place);
}

function extendedBy({ extendee, field }: ExtensionNode, scope: string, { file, symbols }: Place): MessageSymbol {
  const found = symbols.innermost(extendee, scope, file);
  const fullName = found?.fullName ?? extendee;
  if (found?.kind === 'message' && /^google\.protobuf\.(?:\w+Options|FeatureSet)$/.test(fullName)) return found;
  const missing = found === undefined ? ', which is not declared in this file or its imports' : '';
  throw refusal(
    file.path,
    field.line,
    `${field.name} extends ${fullName}${missing}: only options can be extended. Declare a field in the message itself.`,
  );
}

function problemOf(
  { field }: ExtensionNode,
  { fullName, node }: MessageSymbol,
  scope: string,
  place: Place,
): string | undefined {
  const { symbols, file } = place;
  const wrong = wrongNumber(field);
  if (wrong !== undefined) return `has ${wrong}`;
  if (!node.extensionRanges.some(({ from, to }) => field.number >= from && field.number <= to)) {
    return `has the number ${field.number}, which ${fullName} does not leave to extensions. Choose one from 50000 to 99999.`;
  }
  const others = symbols.extensionsIn(file, fullName).filter((other) => other.node.field.number === field.number);
  const other = others.find((one) => one.node.field !== field);
  if (other !== undefined) {
    return `has the number ${field.number} of ${other.fullName} in line ${other.line}. Choose another.`;
  }
  if (field.keyType !== undefined) return 'is a map, which extensions cannot be. Put it into a message.';
  if (field.label === 'required') return 'is required, which extensions cannot be. Make it optional.';
  if (field.options.some(({ spelling }) => spelling === 'json_name')) {
    return 'has a json_name, which extensions do not have. Remove the option.';
  }
  if (isScalar(field.type) || symbols.type(field.type, scope, file) !== undefined) return undefined;
  return `has the unknown type ${field.type}. ${importHint(field.type, symbols)}`;
}
