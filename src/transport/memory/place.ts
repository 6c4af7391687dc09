import { ConfigError } from '../../errors.js';

/** What the addresses on a pseudo-network begin with. */
export const SCHEME = 'memory:';

/** The node and the name of a process. */
export interface Place {
  readonly node: string;
  readonly process: string;
}

/** Throws ConfigError for names that would be ambiguous in an address or a trace. */
export function checkPlace(place: Place): Place {
  for (const name of [place.node, place.process]) {
    if (!/^[^\s/,|]+$/.test(name)) {
      throw new ConfigError(
        `"${name}" cannot name a node or process: use any characters but spaces and "/", ",", "|".`,
      );
    }
  }
  return place;
}

/** True if `target`, a node or `node/process`, names or contains this place. */
export function isAt(place: Place, target: string): boolean {
  return target === place.node || target === `${place.node}/${place.process}`;
}

/** Throws ConfigError unless `target` is a `node` or `node/process`. */
export function checkTarget(target: string): string {
  if (/^[^\s/,|]+(\/[^\s/,|]+)?$/.test(target)) return target;
  throw new ConfigError(`"${target}" names no part of the pseudo-network: use "node" or "node/process".`);
}

export function addressOf(place: Place, index: number): string {
  return `${SCHEME}//${place.node}/${place.process}/${index}`;
}

/** Returns undefined for an address outside the pseudo-network. */
export function placeOf(address: string): Place | undefined {
  const [, node, process] = /^memory:\/\/([^/]+)\/([^/]+)\/\d+$/.exec(address) ?? [];
  return node === undefined || process === undefined ? undefined : { node, process };
}
