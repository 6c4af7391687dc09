import { globalServicesInputCUid } from '../../ids/index.js';
import type { Logger } from '../../logging/index.js';
import { type Ref, v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { ControlPlaneClient, type OtherClusters } from '../control-plane/index.js';
import type { Behavior } from '../kernel/index.js';
import type { ControlPlaneHost } from './control-plane-host.js';
import type { ControlPlaneNews } from './control-plane-news.js';
import type { PartitionRuntime } from './partition-runtime.js';
import type { Partitions } from './partitions.js';
import { PipelinesManager } from './pipelines-manager.js';
import { shownAddress } from '../../transport/stack/index.js';
import type { Placements } from './placing/index.js';
import { type DescribedRuntime, runtimeActor } from './runtime-actor.js';

export interface ClientParts {
  /** In which the client's actor runs. */
  readonly partition: PartitionRuntime;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly news: ControlPlaneNews;
  /** Says where the control plane is. */
  readonly host: ControlPlaneHost;
  readonly others: OtherClusters | undefined;
  /** Aborted when the runtime stops: nothing waits then for a control plane that is gone. */
  readonly draining: AbortSignal;
}

export function clientOf({ partition, draining, host, news, ...parts }: ClientParts): ControlPlaneClient {
  const { system, router } = partition;
  const server = () =>
    system.referenceTo(
      v1.ControlPlane,
      router.routeTo(host.nextAddress(), globalServicesInputCUid, v1.ControlPlane.typeName),
    );
  const { startTimeoutMs } = host;
  const address = (): string => shownAddress(host.address);
  const isServedHere = (): boolean => host.isServing;
  const client = new ControlPlaneClient({
    ...parts,
    system,
    server,
    address,
    isServedHere,
    startTimeoutMs,
    listener: news,
  });
  draining.addEventListener('abort', () => client.leave(), { once: true });
  host.onMoved(() => client.serverMoved());
  return client;
}

export interface ProcessParts {
  readonly partitions: Partitions;
  readonly placements: Placements;
  readonly news: ControlPlaneNews;
  readonly runtime: DescribedRuntime;
  /** Serves the contexts of actors in the other partitions. */
  readonly contextCalls: () => Behavior<typeof v1.ContextCalls, undefined>;
}

/** A connected process gets its ordinals, starts the actors of the runtime, registers them, and then starts its hosted partitions. */
export async function bringUp(client: ControlPlaneClient, parts: ProcessParts): Promise<void> {
  const { partitions, placements, news, runtime } = parts;
  const { system } = partitions.first;
  const ordinals = await client.registerPartitions(partitions.here.map(({ address }) => address));
  let contexts: Ref | undefined;
  // Once the first partition has joined, its actors have channel ids.
  const calls = (): Ref => (contexts ??= system.spawn(parts.contextCalls(), { name: 'context-calls' }).toRef());
  partitions.join(ordinals, client, calls);
  placements.start();
  const actors = partitions.actorNames();
  actors.set(`millrace/runtime/${client.pUid}`, system.spawn(runtimeActor(runtime), { name: 'runtime' }));
  const manager = new PipelinesManager(system, client, (partition) => partitions.isSilent(partition));
  news.pipelines = manager;
  const pipelinesManager = system.spawn(manager.behavior(), { name: 'pipelines-manager' });
  actors.set(`millrace/pipelines-manager/${client.pUid}`, pipelinesManager);
  await client.activate(partitions.here.map(({ segmentsManager }) => segmentsManager.toRef()));
  await Promise.all([...actors].map(([name, actor]) => client.registerName(name, actor.toRef())));
  await partitions.host(client, calls());
}
