/** What a message or an enum reserves, and which numbers it leaves to extensions. */
import { type FileNode, type RangeNode, refusal, type ReservedNode } from './syntax/index.js';

/** Throws ConfigError for what protobuf does not allow. `what` is the declaration, such as `message shop.Trade`. */
export function checkReserved({ ranges, names }: ReservedNode, what: string, file: FileNode): void {
  checkDistinct(ranges, `${what} reserves`, file);
  const seen = new Set<string>();
  for (const { name, line } of names) {
    if (seen.has(name)) throw refusal(file.path, line, `${what} reserves the name ${name} twice. Remove one.`);
    seen.add(name);
  }
}

/** Field numbers, other than those of enum values, begin at 1. */
export function checkPositive(ranges: readonly RangeNode[], what: string, file: FileNode): void {
  for (const { from, line } of ranges) {
    if (from < 1) throw refusal(file.path, line, `${what} ${from}, and field numbers begin at 1. Remove it.`);
  }
}

/** No number may be in two of the ranges, and each has to begin before it ends. */
export function checkDistinct(ranges: readonly RangeNode[], what: string, file: FileNode): void {
  for (const range of ranges) {
    if (range.to >= range.from) continue;
    throw refusal(file.path, range.line, `${what} ${textOf(range)}, which ends before it begins. Swap the numbers.`);
  }
  const sorted = [...ranges].sort((a, b) => a.from - b.from || a.to - b.to);
  for (const [index, range] of sorted.entries()) {
    const next = sorted[index + 1];
    if (next === undefined || next.from > range.to) continue;
    const line = Math.max(range.line, next.line);
    throw refusal(file.path, line, `${what} ${textOf(range)} and ${textOf(next)}, which overlap. Change one of them.`);
  }
}

function textOf({ from, to }: RangeNode): string {
  return from === to ? `${from}` : `${from} to ${to}`;
}
