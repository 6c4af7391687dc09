import { globalServicesInputCUid } from '../../ids/index.js';
import type { Logger } from '../../logging/index.js';
import { v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { formatAddress, parseAddress } from '../../socket-address.js';
import { ControlPlaneClient, controlPlaneServer } from '../control-plane/index.js';
import type { ControlPlaneNews } from './control-plane-news.js';
import type { PartitionRuntime } from './partition-runtime.js';
import type { Partitions } from './partitions.js';
import { PipelinesManager } from './pipelines-manager.js';
import type { Placements } from './placing/index.js';
import { type DescribedRuntime, runtimeActor } from './runtime-actor.js';

/** Starts the control plane server in a partition. Returns its address. */
export function serveControlPlane({ system, address }: PartitionRuntime, incarnation: bigint): string {
  system.spawn(controlPlaneServer({ incarnation }), { name: 'control-plane', cUid: globalServicesInputCUid });
  return address;
}

export interface ClientParts {
  /** In which the client's actor runs. */
  readonly partition: PartitionRuntime;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly news: ControlPlaneNews;
  /** Where the control plane is. */
  readonly address: () => string;
  /** Aborted when the runtime stops: nothing waits then for a control plane that is gone. */
  readonly draining: AbortSignal;
}

export function clientOf({ partition, draining, address, news, ...parts }: ClientParts): ControlPlaneClient {
  const { system, router } = partition;
  let attempts = 0;
  const server = () => {
    // Afterwards the control plane may be served by the next process at that place.
    const at = attempts++ === 0 ? address() : withSuccessors(address());
    return system.referenceTo(v1.ControlPlane, router.routeTo(at, globalServicesInputCUid));
  };
  const client = new ControlPlaneClient({ ...parts, system, server, address, listener: news });
  draining.addEventListener('abort', () => client.leave(), { once: true });
  return client;
}

/** The address, and without what leads to one process only: so it leads to the next process at the same place, too. */
function withSuccessors(address: string): string {
  const words = address.split(' ');
  const places = words.flatMap((word) => parseAddress(word) ?? []);
  return [...new Set([...words, ...places.map((place) => formatAddress({ ...place, instance: '' }))])].join(' ');
}

export interface ProcessParts {
  readonly partitions: Partitions;
  readonly placements: Placements;
  readonly news: ControlPlaneNews;
  readonly runtime: DescribedRuntime;
  readonly servesControlPlane: boolean;
}

/** A connected process gets its ordinals, starts the actors of the runtime, registers them, and then starts its hosted partitions. */
export async function bringUp(client: ControlPlaneClient, parts: ProcessParts): Promise<void> {
  const { partitions, placements, news, runtime, servesControlPlane } = parts;
  const { system } = partitions.first;
  const ordinals = await client.registerPartitions(partitions.here.map(({ address }) => address));
  partitions.join(ordinals, client);
  placements.start();
  const actors = partitions.actorNames();
  actors.set(`millrace/runtime/${client.pUid}`, system.spawn(runtimeActor(runtime), { name: 'runtime' }));
  if (servesControlPlane) {
    const isSilent = (partition: v1.Partition): boolean => partitions.isSilent(partition);
    news.pipelines = new PipelinesManager(system, () => client, isSilent);
    actors.set('millrace/pipelines-manager', system.spawn(news.pipelines.behavior(), { name: 'pipelines-manager' }));
  }
  await client.activate(partitions.here.map(({ segmentsManager }) => segmentsManager.toRef()));
  await Promise.all([...actors].map(([name, actor]) => client.registerName(name, actor.toRef())));
  await partitions.host(client);
}
