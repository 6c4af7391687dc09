/**
 * Options, those that every file has and custom ones alike: each must be declared for this kind of place, have a value of its type, and
 * be set once; so that no misspelt option is ever overlooked.
 */
import type { ConfigError } from '../errors.js';
import { isEdition } from './check-field.js';
import { fieldOf, type OptionField, typeOf } from './option-fields.js';
import { checkValue } from './option-value.js';
import type { Place } from './place.js';
import type { ExtensionSymbol } from './symbols.js';
import { type OptionNode, type OptionPart, type OptionValue, refusal } from './syntax/index.js';

/** The messages of descriptor.proto that hold options, and what `targets` calls their places. */
const TARGETS = {
  FileOptions: 'TARGET_TYPE_FILE',
  ExtensionRangeOptions: 'TARGET_TYPE_EXTENSION_RANGE',
  MessageOptions: 'TARGET_TYPE_MESSAGE',
  FieldOptions: 'TARGET_TYPE_FIELD',
  OneofOptions: 'TARGET_TYPE_ONEOF',
  EnumOptions: 'TARGET_TYPE_ENUM',
  EnumValueOptions: 'TARGET_TYPE_ENUM_ENTRY',
  ServiceOptions: 'TARGET_TYPE_SERVICE',
  MethodOptions: 'TARGET_TYPE_METHOD',
} as const;

export type OptionsKind = keyof typeof TARGETS;

/** What a field declares in brackets, and is no option: it is part of the field. */
const NO_OPTIONS: ReadonlySet<string> = new Set(['default', 'json_name']);

/** A custom option of a declaration. */
export interface CustomOption {
  readonly extension: ExtensionSymbol;
  readonly value: OptionValue;
}

/**
 * Checks the options of a declaration that lies in `scope`; they are fields of `google.protobuf.` + `kind`. Returns the custom ones.
 * Throws ConfigError for one that is not declared, belongs elsewhere, has a value of another type or is set twice.
 */
export function checkOptions(
  options: readonly OptionNode[],
  kind: OptionsKind,
  scope: string,
  place: Place,
): readonly CustomOption[] {
  const found: CustomOption[] = [];
  const set = new Set<string>();
  for (const node of options) {
    const refuse = (why: string) => refusal(place.file.path, node.line, `The option ${node.spelling} ${why}`);
    if (kind === 'FieldOptions' && NO_OPTIONS.has(node.spelling)) {
      checkNoOption(node, set, refuse);
      continue;
    }
    if (node.parts[0]?.name === 'features' && !isEdition(place.file.edition)) {
      throw refuse(`is for editions alone, and this file is ${place.file.edition}. Remove it.`);
    }
    const path = pathOf(node, kind, scope, place, refuse);
    for (const field of path) checkAllowed(field, kind, place, refuse);
    const last = path.at(-1);
    if (last === undefined) continue;
    checkValue(node.value, last, refuse);
    claim(node.value, path, set, refuse);
    const { extension } = path[0] ?? last;
    if (extension !== undefined && path.length === 1) found.push({ extension, value: node.value });
  }
  return found;
}

type Refuse = (why: string) => ConfigError;

function checkNoOption({ spelling, value }: OptionNode, set: Set<string>, refuse: Refuse): void {
  if (set.has(spelling)) throw refuse('is set twice. Remove one.');
  set.add(spelling);
  if (spelling === 'json_name' && value.kind !== 'string') throw refuse('takes a string.');
}

/** The fields that the parts of an option's name are, from the options message inwards. */
function pathOf(
  { parts }: OptionNode,
  kind: OptionsKind,
  scope: string,
  place: Place,
  refuse: Refuse,
): readonly OptionField[] {
  const path: OptionField[] = [];
  let message = place.builtIn.message(`google.protobuf.${kind}`);
  let symbols = place.builtIn;
  for (const part of parts) {
    if (part.owner !== undefined) checkOwner(part, part.owner, message?.fullName, place, refuse);
    if (message === undefined) throw refuse('names a field of what is no message. Remove the last part of its name.');
    if (path.at(-1)?.node.label === 'repeated') {
      throw refuse('names a field of a repeated message. Set the whole message, in braces, once for each element.');
    }
    const field: OptionField = part.isExtension
      ? extensionFor(part, message.fullName, scope, place, refuse)
      : (fieldOf(message, part.name, symbols) ?? unknownField(part, message.fullName, kind, refuse));
    path.push(field);
    const type = typeOf(field);
    message = type?.kind === 'message' ? type : undefined;
    symbols = field.symbols;
  }
  return path;
}

function unknownField({ name }: OptionPart, message: string, kind: OptionsKind, refuse: Refuse): never {
  throw refuse(
    message === `google.protobuf.${kind}`
      ? `does not exist: ${kind} of descriptor.proto has no ${name}. A custom option stands in parentheses.`
      : `does not exist: ${message} has no field ${name}.`,
  );
}

/** Of an option that is written by its full name. */
function checkOwner(
  { name }: OptionPart,
  owner: string,
  message: string | undefined,
  { symbols, file }: Place,
  refuse: Refuse,
): void {
  if (symbols.innermost(owner, '', file) === undefined) {
    throw refuse(
      `is written as (${owner}.${name}), which needs import "google/protobuf/descriptor.proto". Or leave its owner out.`,
    );
  }
  if (owner !== message) {
    throw refuse(
      `is an option of another place: (${owner}.${name}) is one of ${owner}, and here ${message} stands. Move it.`,
    );
  }
}

function extensionFor(
  { name }: OptionPart,
  message: string,
  scope: string,
  { symbols, file }: Place,
  refuse: Refuse,
): OptionField {
  const extension = symbols.innermost(name, scope, file);
  if (extension?.kind !== 'extension') {
    throw refuse(`is unknown: (${name}) is not declared in this file or in one that it imports. ${hintFor(name)}`);
  }
  const { extendee, field } = extension.node;
  const extended = symbols.innermost(extendee, extension.scope, extension.file)?.fullName ?? extendee;
  if (extended !== message) {
    throw refuse(`is an option of another place: (${name}) extends ${extended}, and here ${message} stands. Move it.`);
  }
  return { node: field, scope: extension.scope, file: extension.file, symbols, extension };
}

function hintFor(name: string): string {
  if (!/^\.?millrace\./.test(name)) return 'Is an import missing?';
  return 'millrace/v1/annotations.proto declares millrace.v1.tell, millrace.v1.mode, millrace.v1.lane, millrace.v1.service and millrace.v1.borrow.';
}

/** What the declaration of an option says of the places and editions that may have it. */
function checkAllowed({ node }: OptionField, kind: OptionsKind, { file }: Place, refuse: Refuse): void {
  if (node.name === 'uninterpreted_option') throw refuse('is for compilers alone. Remove it.');
  const targets = node.options.flatMap(({ spelling, value }) => {
    return spelling === 'targets' && value.kind === 'word' ? [value.text] : [];
  });
  if (targets.length > 0 && !targets.includes(TARGETS[kind])) {
    const places = targets.map((target) => target.slice('TARGET_TYPE_'.length).toLowerCase()).join(', ');
    throw refuse(`cannot stand here: ${node.name} is for ${places}. Remove it.`);
  }
  const introduced = introductionOf(node.options);
  if (introduced !== undefined && /^\d+$/.test(file.edition) && Number(file.edition) < introduced) {
    throw refuse(`needs edition "${introduced}": ${node.name} did not exist in edition "${file.edition}". Remove it.`);
  }
}

/** The edition that `feature_support` says, as a number. */
function introductionOf(options: readonly OptionNode[]): number | undefined {
  const support = options.find(({ spelling }) => spelling === 'feature_support')?.value;
  if (support?.kind !== 'aggregate') return undefined;
  const [, edition] = support.entries.find(([name]) => name === 'edition_introduced') ?? [];
  const year = edition?.kind === 'word' ? /^EDITION_(\d+)$/.exec(edition.text)?.[1] : undefined;
  return year === undefined ? undefined : Number(year);
}

/** Notes what an option sets. Throws when it, or a message around it, is set already; repeated fields may be set again. */
function claim(value: OptionValue, path: readonly OptionField[], set: Set<string>, refuse: Refuse): void {
  const names = path.map(({ node, extension }) => (extension === undefined ? node.name : `(${extension.fullName})`));
  const whole = names.join('.');
  if (path.at(-1)?.node.label !== 'repeated' && set.has(whole)) throw refuse('is set twice. Remove one.');
  for (const inner of [whole, ...pathsIn(value, whole)]) set.add(inner);
  // A message of which a field is set cannot be set as a whole later.
  for (let count = 1; count < names.length; count++) set.add(names.slice(0, count).join('.'));
}

function pathsIn(value: OptionValue, outer: string): readonly string[] {
  if (value.kind !== 'aggregate') return [];
  return value.entries.flatMap(([name, entry]) => [`${outer}.${name}`, ...pathsIn(entry, `${outer}.${name}`)]);
}
