import { globalServicesInputCUid } from '../../ids/index.js';
import type { v1 } from '../../protocol/index.js';
import { type ControlPlaneClient, controlPlaneServer } from '../control-plane/index.js';
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
