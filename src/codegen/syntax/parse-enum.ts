import type { Cursor } from './cursor.js';
import { parseInlineOptions, parseOptionStatement } from './parse-options.js';
import { parseReserved } from './parse-ranges.js';
import type { EnumNode, OptionNode, RangeNode, ReservedName, ValueNode } from './tree.js';

const MAX_VALUE = 2_147_483_647;

export function parseEnum(cursor: Cursor, edition: string): EnumNode {
  const { line } = cursor.take();
  const name = cursor.word('the name of an enum');
  cursor.expect('{', `behind enum ${name}`);
  const comment = cursor.commentAbove(line) ?? cursor.commentBehind();
  const options: OptionNode[] = [];
  const values: ValueNode[] = [];
  const reserved: { readonly ranges: RangeNode[]; readonly names: ReservedName[] } = { ranges: [], names: [] };
  while (!cursor.skip('}')) {
    if (cursor.skip(';')) continue;
    // A value may be called as one of the two words: `=` comes behind it then.
    const isValue = cursor.peek(1).text === '=';
    if (!isValue && cursor.skip('option')) options.push(parseOptionStatement(cursor));
    else if (!isValue && cursor.peek().text === 'reserved') {
      const { ranges, names } = parseReserved(cursor, edition, MAX_VALUE);
      reserved.ranges.push(...ranges);
      reserved.names.push(...names);
    } else values.push(parseValue(cursor));
  }
  return { name, line, comment, options, values, reserved };
}

function parseValue(cursor: Cursor): ValueNode {
  const { line } = cursor.peek();
  const name = cursor.word('the name of a value');
  cursor.expect('=', `and a number behind ${name}`);
  const number = cursor.integer('a number');
  const options = parseInlineOptions(cursor);
  cursor.expect(';', `behind ${name}`);
  return { name, line, number, options, comment: cursor.commentAbove(line) ?? cursor.commentBehind() };
}
