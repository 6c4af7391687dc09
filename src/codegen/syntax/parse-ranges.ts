/** `reserved` and `extensions`: numbers, ranges of them, and names. */
import type { Cursor } from './cursor.js';
import type { RangeNode, ReservedNode } from './tree.js';

/** `1, 5 to 7, 9 to max`; `max` is the highest number that there is. */
export function parseRanges(cursor: Cursor, max: number): readonly RangeNode[] {
  const ranges: RangeNode[] = [];
  do {
    const { line } = cursor.peek();
    const from = cursor.integer('a number');
    let to = from;
    if (cursor.skip('to')) to = cursor.skip('max') ? max : cursor.integer('a number or max');
    ranges.push({ from, to, line });
  } while (cursor.skip(','));
  return ranges;
}

/** Names stand in quotes; in editions without them. */
export function parseReserved(cursor: Cursor, max: number): ReservedNode {
  cursor.take();
  const { kind } = cursor.peek();
  const names: string[] = [];
  let ranges: readonly RangeNode[] = [];
  if (kind === 'string' || kind === 'word') {
    do names.push(cursor.peek().kind === 'string' ? cursor.string('a name') : cursor.word('a name'));
    while (cursor.skip(','));
  } else ranges = parseRanges(cursor, max);
  cursor.expect(';', 'behind what is reserved');
  return { ranges, names };
}
