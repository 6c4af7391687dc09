/**
 * The one table of conventional ids: functions, docs/ids.md and the property tests all come from it. Zero is a real id.
 * Bands are half-open and, within one kind, disjoint.
 */

/** What an index of the band counts. */
export type Indexed = 'one' | 'node' | 'gateway' | 'host' | 'host and direction' | 'sequence' | 'ordinal and sequence';

/** A run of ids reserved for one role: the id of index `i` is `first + i`. */
export interface Band {
  readonly first: bigint;
  /** The first id after the band. */
  readonly end: bigint;
  /** Indices in use: at most `end - first`. The rest of the band is kept free. */
  readonly count: bigint;
  readonly indexed: Indexed;
  /** Who has the ids of this band. */
  readonly holder: string;
}

/** Nodes that the id space has room for. No cluster of this size has been tested. */
export const MAX_NODES = 2 ** 24;
/** Gateways of one node. */
export const GATEWAYS_PER_NODE = 16;
/** Leased blocks of user ids: an ordinal has 31 bits. */
export const MAX_ORDINALS = 2 ** 31;
/** Ids in one leased block. */
export const IDS_PER_ORDINAL = 2 ** 32;
/** Host ids are reduced to this many values before they are added to a band. */
export const HOST_ADDERS = 2n ** 60n;

const nodes = BigInt(MAX_NODES);
const user: Pick<Band, 'first' | 'end' | 'count' | 'indexed'> = {
  first: 2n ** 63n,
  end: 2n ** 64n,
  count: 2n ** 63n,
  indexed: 'ordinal and sequence',
};

export const processBands = {
  launcher: one(0n, 'the launcher'),
  globalServices: one(1n, 'global services'),
  transportService: band(2n ** 8n, 2n ** 31n, nodes, 'node', 'the transport service of a node'),
  globalServicesCandidate: band(
    2n ** 31n,
    2n ** 32n,
    2n ** 31n,
    'sequence',
    'global services in a run with a cluster store, which serve or stand by: k is random',
  ),
  managed: band(2n ** 32n, 2n ** 64n, 2n ** 64n - 2n ** 32n, 'sequence', 'a managed process; never reused in a run'),
} as const satisfies Record<string, Band>;

export const channelBands = {
  globalServicesStdin: one(0n, 'standard input of global services'),
  globalServicesStdout: one(1n, 'standard output of global services'),
  globalServicesInput: one(2n, 'what global services are asked'),
  membership: one(3n, 'the membership of a process in its network'),
  debug: band(2n ** 33n, 2n ** 34n, 2n ** 33n, 'sequence', 'a debug channel, numbered on its node; never registered'),
  transportAgent: band(2n ** 55n, 2n ** 56n, nodes, 'node', 'the transport agent of a node'),
  shepherd: band(2n ** 56n, 2n ** 57n, nodes, 'node', 'the shepherd of a node'),
  launcherBackend: band(2n ** 57n, 2n ** 58n, nodes, 'node', 'the launcher backend of a node'),
  gateway: band(2n ** 58n, 2n ** 59n, nodes * BigInt(GATEWAYS_PER_NODE), 'gateway', 'a gateway of a node'),
  loggingService: band(2n ** 59n, 2n ** 60n, nodes, 'node', 'the logging service of a node'),
  backendGateway: band(2n ** 60n, 2n ** 61n, HOST_ADDERS, 'host', "a backend's transport gateway"),
  backendLocal: band(
    2n ** 61n,
    2n ** 62n,
    2n * HOST_ADDERS,
    'host and direction',
    "a backend's local channel, in or out",
  ),
  backendFrontend: band(2n ** 62n, 2n ** 62n + 2n ** 60n, HOST_ADDERS, 'host', "a backend's channel to the frontend"),
  globalServicesReturn: band(
    2n ** 62n + 2n ** 60n,
    2n ** 62n + 2n ** 61n,
    2n ** 60n,
    'sequence',
    "a process's return channel from global services",
  ),
  shepherdReturn: band(
    3n * 2n ** 61n,
    2n ** 63n,
    2n ** 61n,
    'sequence',
    "a process's return channel from its shepherd",
  ),
  user: { ...user, holder: 'everything users make: the mailbox of every actor too' },
} as const satisfies Record<string, Band>;

export const poolBands = {
  nodeDefault: band(0n, 2n ** 61n, nodes, 'node', 'the default pool of a node'),
  nodeLogging: band(2n ** 61n, 2n ** 62n, nodes, 'node', 'the logging pool of a node'),
  user: { ...user, holder: 'pools that users make' },
} as const satisfies Record<string, Band>;

export type ProcessRole = keyof typeof processBands;
export type ChannelRole = keyof typeof channelBands;
export type PoolRole = keyof typeof poolBands;

function one(id: bigint, holder: string): Band {
  return band(id, id + 1n, 1n, 'one', holder);
}

function band(first: bigint, end: bigint, count: bigint, indexed: Indexed, holder: string): Band {
  return { first, end, count, indexed, holder };
}
