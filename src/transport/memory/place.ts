import { ConfigError } from '../../errors.js';

/** Where a process lives. */
export interface Place {
  readonly node: string;
  readonly process: string;
}

/** Throws ConfigError for names that could not be told apart in an address or a trace. */
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

/** `target` is the name of a node, or `node/process`. */
export function isAt(place: Place, target: string): boolean {
  return target === place.node || target === `${place.node}/${place.process}`;
}

/** Throws ConfigError unless `target` is the name of a node, or `node/process`. */
export function checkTarget(target: string): string {
  if (/^[^\s/,|]+(\/[^\s/,|]+)?$/.test(target)) return target;
  throw new ConfigError(`"${target}" names no part of the pseudo-network: use "node" or "node/process".`);
}

export function addressOf(place: Place, index: number): string {
  return `memory://${place.node}/${place.process}/${index}`;
}

/** Undefined when `address` is not one of the pseudo-network. */
export function placeOf(address: string): Place | undefined {
  const [, node, process] = /^memory:\/\/([^/]+)\/([^/]+)\/\d+$/.exec(address) ?? [];
  return node === undefined || process === undefined ? undefined : { node, process };
}
