/** Messages: fields, maps, oneofs, groups, extensions, and what is declared inside. */
import type { Cursor } from './cursor.js';
import { parseEnum } from './parse-enum.js';
import { parseInlineOptions, parseOptionStatement } from './parse-options.js';
import { parseRanges, parseReserved } from './parse-ranges.js';
import { refusal } from './tokens.js';
import type {
  EnumNode,
  ExtensionNode,
  FieldNode,
  Label,
  MessageNode,
  OneofNode,
  OptionNode,
  RangeNode,
  ReservedName,
} from './tree.js';

const MAX_FIELD = 536_870_911;
/** How deep messages may be declared in one another; it is the bound of protoc. */
const MAX_DEPTH = 31;

/** What the statements of one message add to it. */
interface Body {
  readonly options: OptionNode[];
  readonly fields: FieldNode[];
  readonly oneofs: OneofNode[];
  readonly messages: MessageNode[];
  readonly enums: EnumNode[];
  readonly extensions: ExtensionNode[];
  readonly extensionRanges: RangeNode[];
  readonly reserved: { readonly ranges: RangeNode[]; readonly names: ReservedName[] };
}

export function parseMessage(cursor: Cursor, edition: string, depth: number): MessageNode {
  const { line } = cursor.take();
  const name = cursor.word('the name of a message');
  return parseBody(cursor, name, line, edition, depth);
}

function parseBody(cursor: Cursor, name: string, line: number, edition: string, depth: number): MessageNode {
  if (depth >= MAX_DEPTH) {
    throw refusal(cursor.path, line, `Message ${name} is nested deeper than ${MAX_DEPTH} levels. Move it outwards.`);
  }
  cursor.expect('{', `behind message ${name}`);
  const comment = cursor.commentAbove(line) ?? cursor.commentBehind();
  const body: Body = {
    options: [],
    fields: [],
    oneofs: [],
    messages: [],
    enums: [],
    extensions: [],
    extensionRanges: [],
    reserved: { ranges: [], names: [] },
  };
  while (!cursor.skip('}')) parseStatement(cursor, body, edition, depth);
  return {
    name,
    line,
    comment: comment ?? (cursor.peek(-1).line === line ? cursor.commentBehind() : undefined),
    ...body,
  };
}

function parseStatement(cursor: Cursor, body: Body, edition: string, depth: number): void {
  if (cursor.skip(';')) return;
  if (/^(export|local)$/.test(cursor.peek().text) && /^(message|enum)$/.test(cursor.peek(1).text)) cursor.take();
  switch (cursor.peek().text) {
    case 'message':
      body.messages.push(parseMessage(cursor, edition, depth + 1));
      return;
    case 'enum':
      body.enums.push(parseEnum(cursor, edition));
      return;
    case 'extend': {
      const { extensions, groups } = parseExtend(cursor, edition, depth);
      body.extensions.push(...extensions);
      body.messages.push(...groups);
      return;
    }
    case 'extensions':
      if (edition === 'proto3')
        throw refusal(cursor.path, cursor.peek().line, 'proto3 has no extensions. Remove the line.');
      cursor.take();
      body.extensionRanges.push(...parseRanges(cursor, MAX_FIELD));
      parseInlineOptions(cursor);
      cursor.expect(';', 'behind the extensions');
      return;
    case 'reserved': {
      const { ranges, names } = parseReserved(cursor, edition, MAX_FIELD);
      body.reserved.ranges.push(...ranges);
      body.reserved.names.push(...names);
      return;
    }
    case 'option':
      cursor.take();
      body.options.push(parseOptionStatement(cursor));
      return;
    case 'oneof':
      parseOneof(cursor, body, edition, depth);
      return;
    default:
      parseField(cursor, body, edition, depth, undefined);
  }
}

/** `extend Message { ... }`: the fields that it adds, and the messages of groups among them. */
export function parseExtend(
  cursor: Cursor,
  edition: string,
  depth: number,
): { readonly extensions: readonly ExtensionNode[]; readonly groups: readonly MessageNode[] } {
  cursor.take();
  const extendee = cursor.dottedName('the name of a message');
  cursor.expect('{', `behind extend ${extendee}`);
  const into = { fields: [] as FieldNode[], messages: [] as MessageNode[] };
  do parseField(cursor, into, edition, depth, undefined);
  while (!cursor.skip('}'));
  return { extensions: into.fields.map((field) => ({ extendee, field })), groups: into.messages };
}

function parseOneof(cursor: Cursor, body: Body, edition: string, depth: number): void {
  const { line } = cursor.take();
  const name = cursor.word('the name of a oneof');
  cursor.expect('{', `behind oneof ${name}`);
  const comment = cursor.commentAbove(line) ?? cursor.commentBehind();
  const options: OptionNode[] = [];
  const first = body.fields.length;
  while (!cursor.skip('}')) {
    if (cursor.skip(';')) continue;
    if (cursor.skip('option')) options.push(parseOptionStatement(cursor));
    else parseField(cursor, body, edition, depth, name);
  }
  body.oneofs.push({ name, line, comment, options, fieldCount: body.fields.length - first });
}

function parseField(
  cursor: Cursor,
  into: { readonly fields: FieldNode[]; readonly messages: MessageNode[] },
  edition: string,
  depth: number,
  oneof: string | undefined,
): void {
  const { line } = cursor.peek();
  const label = parseLabel(cursor, edition, oneof);
  if (cursor.peek().text === 'map' && cursor.peek(1).text === '<') {
    if (label !== undefined || oneof !== undefined) {
      throw refusal(cursor.path, line, 'A map can neither have a label nor be in a oneof. Put it into a message.');
    }
    into.fields.push(parseMap(cursor, line));
    return;
  }
  if (cursor.peek().text === 'group' && cursor.peek(1).kind === 'word') {
    parseGroup(cursor, into, edition, depth, { label, oneof, line });
    return;
  }
  const type = cursor.dottedName("a field's type");
  const name = cursor.word("a field's name");
  const rest = parseNumberAndOptions(cursor, name, line);
  into.fields.push({ name, line, label, type, keyType: undefined, isGroup: false, oneof, ...rest });
}

function parseLabel(cursor: Cursor, edition: string, oneof: string | undefined): Label {
  const { text, line } = cursor.peek();
  if (text !== 'optional' && text !== 'required' && text !== 'repeated') {
    if (edition === 'proto2' && oneof === undefined && !(text === 'map' && cursor.peek(1).text === '<')) {
      throw refusal(
        cursor.path,
        line,
        `Expected optional, required or repeated before ${text}, as in all of proto2. A proto3 file begins with: syntax = "proto3";`,
      );
    }
    return undefined;
  }
  cursor.take();
  if (oneof !== undefined)
    throw refusal(cursor.path, line, `A case of oneof ${oneof} cannot be ${text}. Remove the word.`);
  if (text === 'required' && edition !== 'proto2') {
    throw refusal(cursor.path, line, 'Only proto2 has required fields. Remove the word.');
  }
  if (text === 'optional' && edition !== 'proto2' && edition !== 'proto3') {
    throw refusal(cursor.path, line, 'Editions have no word "optional": every field is. Remove the word.');
  }
  return text;
}

function parseMap(cursor: Cursor, line: number): FieldNode {
  cursor.take();
  cursor.expect('<', 'behind map');
  const keyType = cursor.dottedName("the type of a map's keys");
  cursor.expect(',', "behind the type of the map's keys");
  const type = cursor.dottedName("the type of a map's values");
  cursor.expect('>', "behind the type of the map's values");
  const name = cursor.word("a field's name");
  const rest = parseNumberAndOptions(cursor, name, line);
  return { name, line, label: undefined, type, keyType, isGroup: false, oneof: undefined, ...rest };
}

/** `optional group Row = 1 { ... }`: a message Row, and a field row of it. */
function parseGroup(
  cursor: Cursor,
  into: { readonly fields: FieldNode[]; readonly messages: MessageNode[] },
  edition: string,
  depth: number,
  { label, oneof, line }: { readonly label: Label; readonly oneof: string | undefined; readonly line: number },
): void {
  cursor.take();
  const type = cursor.word('the name of a group');
  cursor.expect('=', `behind group ${type}`);
  const number = cursor.integer("a field's number");
  const options = parseInlineOptions(cursor);
  const shared = { line, comment: cursor.commentAbove(line) };
  into.messages.push(parseBody(cursor, type, line, edition, depth + 1));
  const name = type.toLowerCase();
  into.fields.push({ name, number, label, type, keyType: undefined, isGroup: true, oneof, options, ...shared });
}

function parseNumberAndOptions(
  cursor: Cursor,
  name: string,
  line: number,
): Pick<FieldNode, 'number' | 'options' | 'comment'> {
  cursor.expect('=', `and a number behind field ${name}`);
  const number = cursor.integer("a field's number");
  const options = parseInlineOptions(cursor);
  cursor.expect(';', `behind field ${name}`);
  return { number, options, comment: cursor.commentAbove(line) ?? cursor.commentBehind() };
}
