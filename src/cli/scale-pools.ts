/** The pools of components of a running cluster, for `millrace scale`. */
import { CapacityLimits, everyPoolGroup } from '../actors/component/index.js';
import type { ActorRef } from '../actors/kernel/index.js';
import type { Visitor } from '../actors/runtime/survey/index.js';
import { ConfigError } from '../errors.js';
import { messageOf } from '../foreign.js';
import { globalServicesInputCUid, ownerOrdinal } from '../ids/index.js';
import { v1 } from '../protocol/index.js';

/** A limit as a user states it. `node` undefined: of the network. `Infinity`: no limit any more. */
export interface StatedLimit {
  readonly node: string | undefined;
  readonly containers: number;
}

export interface ScaledCluster {
  readonly loads: readonly v1.PoolLoad[];
  readonly limits: CapacityLimits;
  /** Why pools have not answered. */
  readonly problems: readonly string[];
}

interface Options {
  readonly timeoutMs: number;
}

/**
 * Tells all pools of the cluster the limits, and returns what they have said. Throws ConfigError for a node that the cluster does not have, unless its limit is taken
 * back.
 */
export async function scaleCluster(
  visitor: Visitor,
  stated: readonly StatedLimit[],
  options: Options,
): Promise<ScaledCluster> {
  const problems: string[] = [];
  const limits = new CapacityLimits();
  const { pools, nodes } = await membersOf(visitor, options);
  for (const { node, containers } of stated) {
    if (node === undefined || nodes.has(node) || containers === Number.POSITIVE_INFINITY) continue;
    throw new ConfigError(`The cluster has no node "${node}". It has ${[...nodes].sort().join(', ')}.`);
  }
  /** What all answer; the problems have what others do not. */
  const all = async <T>(ask: (pool: ActorRef<typeof v1.ComponentPool>) => Promise<T>): Promise<readonly T[]> => {
    const settled = await Promise.allSettled(pools.map(ask));
    return settled.flatMap((each) => {
      if (each.status === 'fulfilled') return [each.value];
      problems.push(messageOf(each.reason));
      return [];
    });
  };
  const loads = await all((pool) => pool.describePool({}, options));
  for (const load of loads) limits.merge(load.limits);
  if (stated.length === 0) return { loads, limits, problems };
  for (const { node, containers } of stated) limits.set(node, containers);
  problems.splice(0);
  await all((pool) => pool.limitCapacity({ limits: limits.all }, options));
  return { loads: await all((pool) => pool.describePool({}, options)), limits, problems };
}

interface Members {
  readonly pools: readonly ActorRef<typeof v1.ComponentPool>[];
  /** Names of the nodes that have a process. */
  readonly nodes: ReadonlySet<string>;
}

async function membersOf(visitor: Visitor, options: Options): Promise<Members> {
  const server = visitor.reference(v1.ControlPlane, visitor.controlPlane, globalServicesInputCUid);
  const { resources } = await server.list({}, options);
  const addresses = new Map<number, string>();
  const nodes = new Set<string>();
  const members: bigint[] = [];
  for (const { detail } of resources) {
    if (detail.case === 'process') nodes.add(detail.value.node);
    if (detail.case === 'partition') addresses.set(detail.value.ordinal, detail.value.address);
    if (detail.case === 'groupMember' && detail.value.group === everyPoolGroup) {
      members.push(detail.value.ref?.cUid ?? 0n);
    }
  }
  const pools = members.flatMap((cUid) => {
    const address = addresses.get(ownerOrdinal(cUid) ?? -1);
    return address === undefined ? [] : [visitor.reference(v1.ComponentPool, address, cUid)];
  });
  return { pools, nodes };
}
