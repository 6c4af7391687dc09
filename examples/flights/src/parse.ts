import type { Output } from 'millrace';
import type { FlightInit, FlightsInit, RejectionInit, Text } from '../gen/flights.js';
import { FEW } from './rejections.js';
import { rowsOf, skipSpace } from './row-scanner.js';

const utf8 = new TextDecoder();
/** Stands for a row that JSON.parse refused. */
const UNREADABLE = Symbol('unreadable');

/** Segment: turns text into flights. A row that is no flight is counted, and does not stop the others. */
export async function parse(input: AsyncIterable<Text>, output: Output<FlightsInit>): Promise<void> {
  for await (const text of input) await output.write(parseText(text));
}

export function parseText(text: Text): FlightsInit {
  const flights: FlightInit[] = [];
  const rejected: { readonly index: number; readonly reason: string }[] = [];
  for (const [index, row] of valuesOf(text).entries()) {
    const flight = flightOf(row);
    if (typeof flight === 'string') rejected.push({ index, reason: flight });
    else flights.push(flight);
  }
  return { flights, rejected: rejected.length, rejections: locate(text, rejected.slice(0, FEW)) };
}

/** All rows at once, which is fast; one by one only where one of them is broken. */
function valuesOf({ rows, count }: Text): readonly unknown[] {
  try {
    const values: unknown = JSON.parse(`[${utf8.decode(rows)}]`);
    if (Array.isArray(values) && values.length === count) return values;
  } catch {
    // One of the rows is broken: which one is found out below.
  }
  return rowsOf(rows).map(({ start, end }): unknown => {
    try {
      return JSON.parse(utf8.decode(rows.subarray(start, end)));
    } catch {
      return UNREADABLE;
    }
  });
}

/** The flight, or why the row is none. */
function flightOf(row: unknown): FlightInit | string {
  if (row === UNREADABLE) return 'it is not JSON';
  if (typeof row !== 'object' || row === null || Array.isArray(row)) return 'it is not an object';
  const { delay, distance, time }: { delay?: unknown; distance?: unknown; time?: unknown } = row;
  if (!isFinite(delay)) return 'delay is not a number';
  if (!isFinite(distance) || distance < 0) return 'distance is not a number of 0 or more';
  if (!isFinite(time) || time < 0 || time >= 24) return 'time is not a number of hours in [0, 24)';
  return { delay, distance, time };
}

function isFinite(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function locate(
  { rows, firstRow, firstByte }: Text,
  rejected: readonly { readonly index: number; readonly reason: string }[],
): RejectionInit[] {
  if (rejected.length === 0) return [];
  const places = rowsOf(rows);
  return rejected.map(({ index, reason }) => {
    const { start = 0, end = 0 } = places[index] ?? {};
    const byte = firstByte + Math.min(skipSpace(rows, start), end);
    return { row: firstRow + index, byte, reason };
  });
}
