/** Options: `option NAME = VALUE;`, and `[NAME = VALUE, ...]` behind a declaration. */
import type { Cursor } from './cursor.js';
import { integerOf } from './numbers.js';
import type { OptionNode, OptionPart, OptionValue } from './tree.js';

/** How deep values may hold one another; no file that a person wrote comes near. */
const MAX_DEPTH = 100;

/** An option that every file has, by its full name. */
const BUILT_IN = /^\.?(google\.protobuf\.\w+Options)\.(\w+)$/;

/** Behind the word `option`, up to and with the semicolon. */
export function parseOptionStatement(cursor: Cursor): OptionNode {
  const option = parseOption(cursor);
  cursor.expect(';', 'behind the option');
  return option;
}

/** The options in brackets, when there are any. */
export function parseInlineOptions(cursor: Cursor): readonly OptionNode[] {
  const options: OptionNode[] = [];
  if (!cursor.skip('[')) return options;
  do options.push(parseOption(cursor));
  while (cursor.skip(','));
  cursor.expect(']', 'behind the options');
  return options;
}

function parseOption(cursor: Cursor): OptionNode {
  const { line } = cursor.peek();
  const parts: OptionPart[] = [];
  do parts.push(parsePart(cursor));
  while (cursor.skip('.'));
  const spelling = parts.map(({ name, isExtension }) => (isExtension ? `(${name})` : name)).join('.');
  cursor.expect('=', `behind the option ${spelling}`);
  const value = cursor.skip('{') ? parseAggregate(cursor, '}', 0) : parseScalar(cursor);
  return { spelling, parts, value, line };
}

function parsePart(cursor: Cursor): OptionPart {
  if (!cursor.skip('(')) return { name: cursor.word("an option's name"), isExtension: false };
  const name = cursor.dottedName("an option's name");
  cursor.expect(')', "behind the option's name");
  const [, owner, field] = BUILT_IN.exec(name) ?? [];
  return owner === undefined || field === undefined
    ? { name, isExtension: true }
    : { name: field, isExtension: false, owner };
}

/** A value in text format. */
function parseValue(cursor: Cursor, depth: number): OptionValue {
  if (depth > MAX_DEPTH) throw cursor.wrong(`values that are nested ${MAX_DEPTH} times at most`);
  if (cursor.skip('{')) return parseAggregate(cursor, '}', depth);
  if (cursor.skip('<')) return parseAggregate(cursor, '>', depth);
  if (cursor.skip('[')) return parseList(cursor, depth);
  return parseScalar(cursor);
}

function parseScalar(cursor: Cursor): OptionValue {
  if (cursor.peek().kind === 'string') return { kind: 'string', bytes: cursor.bytes('a string') };
  const sign = cursor.skip('-') ? '-' : '';
  const { kind, text } = cursor.peek();
  if (kind === 'word') return { kind, text: sign + cursor.take().text };
  if (kind !== 'integer' && kind !== 'float') throw cursor.wrong("an option's value");
  cursor.take();
  const value = kind === 'float' ? Number(text) : integerOf(text);
  return { kind: 'number', text: sign + text, value: sign === '' ? value : -value };
}

function parseList(cursor: Cursor, depth: number): OptionValue {
  const items: OptionValue[] = [];
  for (cursor.skipHashComments(); !cursor.skip(']'); cursor.skipHashComments()) {
    items.push(parseValue(cursor, depth + 1));
    cursor.skipHashComments();
    if (!cursor.skip(',') && cursor.peek().text !== ']') throw cursor.wrong('"," or "]" in the list');
  }
  return { kind: 'list', items };
}

/** In protobuf's text format: `{ name: value other { ... } [some.extension]: value }`. */
function parseAggregate(cursor: Cursor, close: '}' | '>', depth: number): OptionValue {
  const entries: [string, OptionValue][] = [];
  for (cursor.skipHashComments(); !cursor.skip(close); cursor.skipHashComments()) {
    const name = entryName(cursor);
    const hasColon = cursor.skip(':');
    cursor.skipHashComments();
    const isMessage = !hasColon || ['{', '<'].includes(cursor.peek().text);
    if (isMessage && !['{', '<', '['].includes(cursor.peek().text)) throw cursor.wrong(`":" behind ${name}`);
    entries.push([name, parseValue(cursor, depth + 1)]);
    cursor.skipHashComments();
    if (!cursor.skip(',')) cursor.skip(';');
  }
  return { kind: 'aggregate', entries };
}

/** A field's name, or in brackets an extension's, or the URL of a type. */
function entryName(cursor: Cursor): string {
  if (!cursor.skip('[')) return cursor.word('a name, or the end of the value');
  let name = cursor.dottedName('the name of an extension');
  while (cursor.skip('/')) name += `/${cursor.dottedName('the name of a type')}`;
  cursor.expect(']', 'behind the name of an extension');
  return `[${name}]`;
}
