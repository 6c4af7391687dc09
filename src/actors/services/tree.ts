/**
 * The tree in which orders of the launcher reach the nodes, and their reports come back:
 *
 *     launcher -> nodes 0 to 31
 *     node i   -> nodes 32 * (i + 1) to 32 * (i + 1) + 31
 *
 * A node has at most 32 children, and its place follows from its index alone.
 */
export const FAN_OUT = 32;

/** The launcher, as the parent of the first nodes. */
export const ROOT = -1;

/** The children of a node, or of ROOT, in a run of so many nodes. */
export function childrenOf(node: number, nodes: number): readonly number[] {
  const first = FAN_OUT * (node + 1);
  return Array.from({ length: Math.max(0, Math.min(FAN_OUT, nodes - first)) }, (_, index) => first + index);
}

/** The parent of a node; ROOT for the first ones. */
export function parentOf(node: number): number {
  return Math.floor(node / FAN_OUT) - 1;
}

/** Whether `node` is `above`, or below it in the tree. */
export function isWithin(node: number, above: number): boolean {
  let place = node;
  while (place > above) place = parentOf(place);
  return place === above;
}
