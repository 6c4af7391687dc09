import { limits } from '../../../limits.js';
import type { v1 } from '../../../protocol/index.js';
import type { KnownLoad, ReachedNetwork } from './spill-order.js';
import { isWellFormed } from '../../../well-formed.js';

/** Characters of the name of a network. */
const NAME_CHARACTERS = 64;
/** What the fields of a report hold. */
const MOST = 2 ** 32 - 1;

type Counts = Pick<ReachedNetwork, 'containers' | 'idle' | 'waiting'>;

/** Whether a text may be the name of a network. */
export function isNetworkName(name: string): boolean {
  return name !== '' && name.length <= NAME_CHARACTERS && !/\p{Cc}/u.test(name) && isWellFormed(name);
}

/** What a gateway says that it reaches. Nothing where no gateway of ours would say so: others decide what a peer sends, and its length. */
export function reachedIn({ network, reached }: v1.GatewayLoad): readonly ReachedNetwork[] {
  const isSound =
    isNetworkName(network) &&
    reached.length <= limits.networkGatewayReached &&
    reached.every(({ path }) => isPath(path) && !path.includes(network));
  return isSound ? reached : [];
}

/** Whether it is a list of networks, none of them twice, that a request could have come through. */
export function isPath(path: readonly string[]): boolean {
  return path.length > 0 && isThrough(path);
}

/** As `isPath`, also where it has come through none. */
export function isThrough(path: readonly string[]): boolean {
  const isShort = path.length <= limits.networkGatewayHops;
  return isShort && path.every(isNetworkName) && new Set(path).size === path.length;
}

/** Whether it is a list of networks, none of them twice, in which gateways could have asked for a request. */
export function areAsked(networks: readonly string[]): boolean {
  const isShort = networks.length <= limits.networkGatewayAsked;
  return isShort && networks.every(isNetworkName) && new Set(networks).size === networks.length;
}

/** A network that a gateway is in, and the pools of one component there. */
export interface NetworkPools {
  readonly name: string;
  readonly pools: readonly KnownLoad[];
}

/**
 * What a gateway reports into the network `into` of the other networks that it is in: what each of them has itself, and what others have that gateways there reach. Nothing goes by
 * `into`, or by a network twice. Of several ways to a network it is the shortest one, and of these the first in the alphabet, so that it does not change with the loads. A pure function.
 */
export function reportedInto(into: string, networks: readonly NetworkPools[]): readonly ReachedNetwork[] {
  const best = new Map<string, ReachedNetwork>();
  for (const way of networks.flatMap((each) => waysOf(into, each))) {
    const target = way.path.at(-1) ?? '';
    const known = best.get(target);
    if (known === undefined || isNearer(way.path, known.path)) best.set(target, way);
  }
  const nearestFirst = [...best.values()].sort((one, other) => (isNearer(one.path, other.path) ? -1 : 1));
  return nearestFirst.slice(0, limits.networkGatewayReached);
}

function waysOf(into: string, { name, pools }: NetworkPools): readonly ReachedNetwork[] {
  const own = pools.filter(({ distance }) => distance !== 'gateway');
  const there = { path: [name], ...summed(own) };
  const beyond = pools
    .flatMap(({ reached }) => reached)
    .map((way) => ({ ...way, path: [name, ...way.path] }))
    .filter(({ path }) => isPath(path) && !path.includes(into));
  return own.length === 0 ? beyond : [there, ...beyond];
}

/** The counts of several pools, or of several networks, together. */
export function summed(counts: readonly Counts[]): Counts {
  const sum = (count: (each: Counts) => number): number =>
    Math.min(
      MOST,
      counts.reduce((total, each) => total + count(each), 0),
    );
  return {
    containers: sum(({ containers }) => containers),
    idle: sum(({ idle }) => idle),
    waiting: sum(({ waiting }) => waiting),
  };
}

function isNearer(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return one.length < other.length;
  return one.join('\n') < other.join('\n');
}
