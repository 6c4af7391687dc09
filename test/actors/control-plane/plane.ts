import { ControlPlaneClient, controlPlaneServer } from '#src/actors/control-plane/index.js';
import type { ActorRef } from '#src/actors/kernel/index.js';
import type { MillraceError } from '#src/errors.js';
import { globalServicesInputCUid } from '#src/ids/index.js';
import { memoryLogger } from '#src/logging/index.js';
import { v1 } from '#src/protocol/index.js';
import { type Partition, PartitionWorld, type WorldOptions } from '../transport/partitions.js';

/** A process of one partition that has joined, and what its client was told. */
export interface Member {
  readonly partition: Partition;
  readonly client: ControlPlaneClient;
  readonly ordinal: number;
  readonly changed: v1.Resource[];
  readonly removed: number[];
  readonly progress: v1.SegmentProgress[];
  readonly lost: MillraceError[];
}

/** A control plane server in one virtual process, reached from others by links only. */
export class Plane {
  readonly world: PartitionWorld;
  readonly server: Partition;

  private constructor(world: PartitionWorld, server: Partition) {
    this.world = world;
    this.server = server;
  }

  static async start(options: WorldOptions = {}): Promise<Plane> {
    const world = new PartitionWorld(options);
    const server = await world.start('server/1');
    server.system.spawn(controlPlaneServer(), { name: 'control-plane', cUid: globalServicesInputCUid });
    return new Plane(world, server);
  }

  /** The server as a partition sees it: for requests by messages alone. */
  from({ system, router }: Partition): ActorRef<v1.ControlPlane> {
    return system.referenceTo(v1.ControlPlane, router.routeTo(this.server.address, globalServicesInputCUid));
  }

  /** A client that has not connected. */
  member(partition: Partition): Omit<Member, 'ordinal'> {
    const told: Pick<Member, 'changed' | 'removed' | 'progress' | 'lost'> = {
      changed: [],
      removed: [],
      progress: [],
      lost: [],
    };
    const { system } = partition;
    const client = new ControlPlaneClient(system, this.world.scheduler, this.from(partition), memoryLogger(), {
      changed: (resource) => void told.changed.push(resource),
      removed: (id) => void told.removed.push(id),
      progress: (progress) => void told.progress.push(progress),
      lost: (error) => void told.lost.push(error),
    });
    return { partition, client, ...told };
  }

  /** Starts a process `node/process` and brings it up. */
  async join(name: string, managesPipelines = false): Promise<Member> {
    const member = this.member(await this.world.start(name));
    const [node = ''] = name.split('/');
    await member.client.connect({ launch: name, node, name, managesPipelines });
    const [ordinal = 0] = await member.client.registerPartitions([member.partition.address]);
    await member.client.activate([{ cUid: member.partition.transportCUid, service: v1.SegmentsManager.typeName }]);
    return { ...member, ordinal };
  }
}

/** A source in one partition, a sink in another, joined by the port `rows`. */
export function parts(pipeline: number, source: number, sink: number) {
  return {
    pipeline,
    manifolds: [v1.ManifoldPart.create({ port: 'rows', policy: 'round-robin' })],
    segments: [
      v1.SegmentPart.create({ name: 'read', partition: source, egress: 'rows' }),
      v1.SegmentPart.create({ name: 'sum', partition: sink, ingress: 'rows' }),
    ],
  };
}

export const definition: v1.PipelineDefinition = v1.PipelineDefinition.create({ name: 'flights', url: 'file:///x.js' });
