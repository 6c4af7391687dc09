/** `reserved` and `extensions`: numbers, ranges of them, and names. */
import type { Cursor } from './cursor.js';
import type { RangeNode, ReservedName, ReservedNode } from './tree.js';

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
export function parseReserved(cursor: Cursor, edition: string, max: number): ReservedNode {
  cursor.take();
  const { kind } = cursor.peek();
  const names: ReservedName[] = [];
  let ranges: readonly RangeNode[] = [];
  if (kind === 'string' || kind === 'word') {
    do names.push(parseName(cursor, edition));
    while (cursor.skip(','));
  } else ranges = parseRanges(cursor, max);
  cursor.expect(';', 'behind what is reserved');
  return { ranges, names };
}

function parseName(cursor: Cursor, edition: string): ReservedName {
  const { line } = cursor.peek();
  const isQuoted = edition === 'proto2' || edition === 'proto3';
  return { line, name: isQuoted ? cursor.string('a name in quotes') : cursor.word('a name without quotes') };
}
