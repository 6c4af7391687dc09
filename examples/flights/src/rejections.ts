import type { Rejection } from '../gen/flights.js';

/** Rejected rows that are told of; the others are counted. */
export const FEW = 5;

/** The first few in the file, whatever the order in which they were met. */
export function firstFew(...lists: readonly (readonly Rejection[])[]): Rejection[] {
  return lists
    .flat()
    .sort((left, right) => left.row - right.row)
    .slice(0, FEW);
}
