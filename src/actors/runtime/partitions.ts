import { ConfigError, StoppedError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import { v1 } from '../../protocol/index.js';
import type { System } from '../../resources/index.js';
import type { ControlPlaneClient } from '../control-plane/index.js';
import type { ActorRef } from '../kernel/index.js';
import { PartitionRuntime } from './partition-runtime.js';
import type { RuntimeEnvironment, RuntimeOptions } from './runtime-options.js';

/** The partitions of one process; nothing is started. */
export function createPartitions(
  environment: RuntimeEnvironment,
  system: System,
  log: Logger,
  { kernelLimits = {}, linkLimits = {}, streamWindow = {} }: RuntimeOptions,
): readonly PartitionRuntime[] {
  const { scheduler, isLossy, launch, tap, tracing } = environment;
  // Each partition counts by itself, and has an equal share of what its process may hold.
  const mailboxBytes = Math.ceil((kernelLimits.mailboxBytes ?? limits.mailboxBytes) / system.partitions.length);
  return system.partitions.map(
    (plan) =>
      new PartitionRuntime({
        name: `${launch}-${plan.index}`,
        plan,
        scheduler,
        transport: environment.transport(plan.index),
        isLossy,
        tap,
        tracing,
        log: log.child({ partition: plan.index }),
        kernelLimits: { ...kernelLimits, mailboxBytes },
        linkLimits,
        streamWindow,
      }),
  );
}

/** Gives each partition its ordinal. Those but the first have no control plane client of their own: they ask the first's, over a link. */
export function joinPartitions(
  partitions: readonly PartitionRuntime[],
  ordinals: readonly number[],
  client: ControlPlaneClient,
): void {
  const { address } = first(partitions);
  partitions.forEach((partition, index) => {
    const ordinal = ordinals[index];
    if (ordinal === undefined) {
      throw new StoppedError('The control plane gave fewer ordinals than there are partitions.');
    }
    if (index === 0) {
      const locate = (other: number): Promise<string> => client.locate(other);
      partition.join(ordinal, locate, () => client.actor);
      return;
    }
    const clientRef = (): ActorRef<typeof v1.ControlPlaneClient> =>
      partition.system.referenceTo(v1.ControlPlaneClient, partition.router.routeTo(address, client.actor.toRef().cUid));
    const locate = async (other: number): Promise<string> => (await clientRef().locate({ ordinal: other })).address;
    partition.join(ordinal, locate, clientRef);
  });
}

/** What a process holds while it runs, and nothing of it when it has stopped. */
export interface Leftovers {
  readonly actors: number;
  readonly pendingAsks: number;
  readonly openStreams: number;
  readonly links: number;
  /** Asks that wait for their replies over links. */
  readonly linkAsks: number;
  /** Room that messages from links take in mailboxes. */
  readonly mailboxBytes: number;
}

export function leftoversOf(partitions: readonly PartitionRuntime[]): Leftovers {
  const counts = partitions.map(leftIn);
  const sum = (name: keyof Leftovers): number => counts.reduce((total, each) => total + each[name], 0);
  return {
    actors: sum('actors'),
    pendingAsks: sum('pendingAsks'),
    openStreams: sum('openStreams'),
    links: sum('links'),
    linkAsks: sum('linkAsks'),
    mailboxBytes: sum('mailboxBytes'),
  };
}

function leftIn({ system, router }: PartitionRuntime): Leftovers {
  const { actors, pendingAsks, openStreams, mailboxBytes } = system.statistics;
  const channels = [...router.channels()];
  const linkAsks = channels.reduce((sum, { asks }) => sum + asks.size, 0);
  return { actors, pendingAsks, openStreams, links: channels.length, linkAsks, mailboxBytes };
}

export function first(partitions: readonly PartitionRuntime[]): PartitionRuntime {
  const [partition] = partitions;
  if (partition === undefined) {
    throw new ConfigError('A runtime needs at least one partition.');
  }
  return partition;
}
