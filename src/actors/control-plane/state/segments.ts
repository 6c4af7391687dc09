import { ConfigError } from '../../../errors.js';
import { type Ref, v1 } from '../../../protocol/index.js';
import { State } from './life-cycle.js';
import type { Side } from './manifold-members.js';
import type { Entry, ResourceTable } from './resource-table.js';

/** Adds and removes segment instances in the table, and their membership in the manifolds of their ports. */
export class Segments {
  readonly #table: ResourceTable;

  constructor(table: ResourceTable) {
    this.#table = table;
  }

  /** Creates an instance of `part`, and joins it to the manifolds of its ports (`manifolds` is by port name); returns its id. */
  create(pipeline: Entry<v1.Pipeline>, part: v1.SegmentPart, manifolds: ReadonlyMap<string, number>): number {
    const { definition, onFailure, observer } = pipeline.detail;
    const ports = [...this.#assign(part.ingress, false, manifolds), ...this.#assign(part.egress, true, manifolds)];
    const value = v1.Segment.create({
      pipeline: pipeline.resource.id,
      name: part.name,
      instance: part.instance,
      partition: part.partition,
      definition,
      onFailure,
      ports,
      observer,
    });
    const id = this.#table.create({ case: 'segment', value });
    for (const { manifold, isEgress } of ports) {
      this.#table.join(manifold, sideOf(isEgress), id);
    }
    return id;
  }

  /** Creates another instance of the segment of `first`, in its partition where none is given. */
  createSibling(
    pipeline: Entry<v1.Pipeline>,
    instance: number,
    first: Entry<v1.Segment>,
    partition: number | undefined,
  ): number {
    const { name, ports, partition: beside } = first.detail;
    const part = v1.SegmentPart.create({
      name,
      instance,
      partition: partition ?? beside,
      ingress: ports.find((port) => !port.isEgress)?.port ?? '',
      egress: ports.find((port) => port.isEgress)?.port ?? '',
    });
    return this.create(pipeline, part, new Map(ports.map((port) => [port.port, port.manifold])));
  }

  remove({ resource, detail }: Entry<v1.Segment>): void {
    for (const { manifold, isEgress } of detail.ports) {
      this.#table.leave(manifold, sideOf(isEgress), resource.id);
    }
    this.#table.remove(resource.id);
  }

  /** As `remove`, for a segment whose process has ended. If it had completed, its readers do not wait for its end message any more. */
  lose(entry: Entry<v1.Segment>): void {
    const { resource, detail } = entry;
    if (resource.actual >= State.COMPLETED && resource.outcome?.result.case === 'ok') {
      for (const { manifold } of detail.ports.filter(({ isEgress }) => isEgress)) {
        this.#table.join(manifold, 'ended', resource.id);
      }
    }
    this.remove(entry);
  }

  /**
   * Removes the segment from the consumers of its ingress port, and altogether when its partition was not asked for it yet. Throws ConfigError when
   * it is the last reader.
   */
  drain(segment: Entry<v1.Segment>): void {
    const { resource, detail } = segment;
    if (detail.isDraining) {
      return;
    }
    const ingress = detail.ports.find((port) => !port.isEgress);
    if (ingress === undefined) {
      throw new ConfigError(
        `Segment "${detail.name}" reads from no port, so it cannot be drained. Stop the pipeline instead.`,
      );
    }
    const { consumers } = this.#table.membersOf(ingress.manifold);
    if (this.#table.manifold(ingress.manifold) !== undefined && consumers.size === Number(consumers.has(resource.id))) {
      throw new ConfigError(
        `Segment "${detail.name}" is the last reader of port "${ingress.port}", so it cannot be drained. Stop the pipeline instead.`,
      );
    }
    if (resource.requested === State.INITIALIZED) {
      this.remove(segment);
      return;
    }
    this.#table.put({ ...resource, detail: { case: 'segment', value: { ...detail, isDraining: true } } });
    this.#table.leave(ingress.manifold, 'consumers', resource.id);
  }

  /** Sets the manifold's actor in the ports of its segments. */
  setPortActor(manifold: number, actor: Ref): void {
    const { producers, consumers } = this.#table.membersOf(manifold);
    // One that is draining is no member any more, and has the actor already.
    for (const id of [...producers.keys(), ...consumers.keys()]) {
      const segment = this.#table.segment(id);
      if (segment === undefined) continue;
      const { resource, detail } = segment;
      const ports = detail.ports.map((port) => (port.manifold === manifold ? { ...port, actor } : port));
      this.#table.put({ ...resource, detail: { case: 'segment', value: { ...detail, ports } } });
    }
  }

  #assign(port: string, isEgress: boolean, manifolds: ReadonlyMap<string, number>): v1.PortAssignment[] {
    const manifold = manifolds.get(port);
    return manifold === undefined
      ? []
      : [v1.PortAssignment.create({ port, manifold, isEgress, actor: this.#table.manifold(manifold)?.detail.actor })];
  }
}

function sideOf(isEgress: boolean): Side {
  return isEgress ? 'producers' : 'consumers';
}
