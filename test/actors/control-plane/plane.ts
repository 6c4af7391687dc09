import {
  ControlPlaneClient,
  controlPlaneServer,
  type LeaderLease,
  whileHeld,
} from '#src/actors/control-plane/index.js';
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
  readonly degraded: MillraceError[];
  /** When, in ms. */
  readonly rejoined: number[];
  /** Names that it has lost. */
  readonly refused: string[];
  readonly lost: MillraceError[];
}

/** A control plane server in one virtual process, reached from others by links only. */
export class Plane {
  readonly world: PartitionWorld;
  #server: Partition;
  #incarnation = 0n;
  #nextIncarnation = 0n;
  #served: ActorRef<v1.ControlPlane> | undefined;

  private constructor(world: PartitionWorld, server: Partition) {
    this.world = world;
    this.#server = server;
  }

  static async start(options: WorldOptions = {}): Promise<Plane> {
    const world = new PartitionWorld(options);
    const plane = new Plane(world, await world.start('server/1'));
    plane.serve();
    return plane;
  }

  get server(): Partition {
    return this.#server;
  }

  /** Of the process that serves. */
  get incarnation(): bigint {
    return this.#incarnation;
  }

  /** Starts the server in its partition, as in a process that has just started. */
  serve(epoch?: number, lease?: LeaderLease): void {
    // Each incarnation gives other ids.
    this.#incarnation = this.#nextIncarnation;
    this.#nextIncarnation += (1n << 40n) + 1_000n;
    this.#serveAs(this.#incarnation, epoch, lease);
  }

  #serveAs(incarnation: bigint, epoch?: number, lease?: LeaderLease): void {
    const options = { incarnation, ...(epoch !== undefined && { epoch }) };
    const served = controlPlaneServer(options);
    const definition = lease === undefined ? served : whileHeld(served, lease);
    this.#served = this.#server.system.spawn(definition, { name: 'control-plane', cUid: globalServicesInputCUid });
  }

  /** The process that serves has lost its lease, and has got it again. */
  async serveAgain(epoch: number): Promise<void> {
    const { system } = this.#server;
    if (this.#served !== undefined) await system.stop(this.#served);
    this.#serveAs(this.#incarnation, epoch);
  }

  crash(): void {
    this.world.network.crash('server');
  }

  /** Starts a server anew at the same address, which knows nothing. */
  async restart(epoch?: number, lease?: LeaderLease): Promise<void> {
    this.world.network.restart('server');
    this.#server = await this.world.start('server/1', { incarnation: this.#nextIncarnation });
    this.serve(epoch, lease);
  }

  /** Another process, `node/1`, serves from now on. The one before goes on: it may not know yet. Clients are not told. */
  async takeOver(node: string, epoch: number): Promise<void> {
    this.#server = await this.world.start(`${node}/1`, { incarnation: this.#nextIncarnation });
    this.serve(epoch);
  }

  /** The server as a partition sees it: for requests by messages alone. */
  from({ system, router }: Partition): ActorRef<v1.ControlPlane> {
    return system.referenceTo(v1.ControlPlane, router.routeTo(this.server.address, globalServicesInputCUid));
  }

  /** A client that has not connected. */
  member(partition: Partition): Omit<Member, 'ordinal'> {
    const told: Omit<Member, 'partition' | 'client' | 'ordinal'> = {
      changed: [],
      removed: [],
      progress: [],
      degraded: [],
      rejoined: [],
      refused: [],
      lost: [],
    };
    const { system } = partition;
    const client = new ControlPlaneClient({
      system,
      scheduler: this.world.scheduler,
      log: memoryLogger(),
      server: () => this.from(partition),
      address: () => this.server.address,
      listener: {
        changed: (resource) => void told.changed.push(resource),
        removed: (id) => void told.removed.push(id),
        progress: (progress) => void told.progress.push(progress),
        degraded: (error) => void told.degraded.push(error),
        rejoined: () => void told.rejoined.push(this.world.scheduler.now()),
        nameRefused: ({ name }) => void told.refused.push(name),
        lost: (error) => void told.lost.push(error),
      },
    });
    return { partition, client, ...told };
  }

  /** Starts a process `node/process` and brings it up. */
  async join(name: string, options: { readonly linkDeadMs?: number } = {}): Promise<Member> {
    return this.bringUp(this.member(await this.world.start(name, options)));
  }

  async bringUp(member: Omit<Member, 'ordinal'>): Promise<Member> {
    const { name } = member.partition;
    const [node = ''] = name.split('/');
    await member.client.connect({ launch: name, node, name });
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
