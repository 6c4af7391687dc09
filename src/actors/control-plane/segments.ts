import { ConfigError } from '../../errors.js';
import { type Ref, v1 } from '../../protocol/index.js';
import { State } from './life-cycle.js';
import type { Entry, ResourceTable } from './resource-table.js';

/** Instances of segments in the table, and their membership in the manifolds of their ports. */
export class Segments {
  readonly #table: ResourceTable;

  constructor(table: ResourceTable) {
    this.#table = table;
  }

  /** Makes an instance of `part`, joined to those of `manifolds` (by port name) that it names; returns its id. */
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
      this.#updateMembers(manifold, isEgress, (members) => [...members, id]);
    }
    return id;
  }

  /** One instance more of those that are there, in the partition of the first where none is given. */
  createSibling(
    pipeline: Entry<v1.Pipeline>,
    siblings: readonly Entry<v1.Segment>[],
    first: Entry<v1.Segment>,
    partition: number | undefined,
  ): number {
    const { name, ports, partition: beside } = first.detail;
    const part = v1.SegmentPart.create({
      name,
      instance: 1 + Math.max(...siblings.map(({ detail }) => detail.instance)),
      partition: partition ?? beside,
      ingress: ports.find((port) => !port.isEgress)?.port ?? '',
      egress: ports.find((port) => port.isEgress)?.port ?? '',
    });
    return this.create(pipeline, part, new Map(ports.map((port) => [port.port, port.manifold])));
  }

  remove({ resource, detail }: Entry<v1.Segment>): void {
    for (const { manifold, isEgress } of detail.ports) {
      this.#updateMembers(manifold, isEgress, (members) => members.filter((member) => member !== resource.id));
    }
    this.#table.remove(resource.id);
  }

  /** As `remove`, of one whose process has ended. Where it had completed, its readers need not wait for an end that it can tell no more. */
  lose(entry: Entry<v1.Segment>): void {
    const { resource, detail } = entry;
    if (resource.actual >= State.COMPLETED && resource.outcome?.result.case === 'ok') {
      for (const { manifold } of detail.ports.filter(({ isEgress }) => isEgress)) {
        this.#updateManifold(manifold, ({ ended }) => ({ ended: [...ended, resource.id] }));
      }
    }
    this.remove(entry);
  }

  /** The segment leaves the consumers of the port it reads from. ConfigError when nobody would be left to read it. */
  drain({ resource, detail }: Entry<v1.Segment>): void {
    if (detail.isDraining) {
      return;
    }
    const ingress = detail.ports.find((port) => !port.isEgress);
    if (ingress === undefined) {
      throw new ConfigError(
        `Segment "${detail.name}" reads from no port, so there is nothing to drain; stop it instead.`,
      );
    }
    const consumers = this.#table.manifold(ingress.manifold)?.detail.consumers;
    if (consumers?.every((consumer) => consumer === resource.id) === true) {
      throw new ConfigError(
        `Segment "${detail.name}" is the last reader of port "${ingress.port}"; stop the pipeline instead.`,
      );
    }
    this.#table.put({ ...resource, detail: { case: 'segment', value: { ...detail, isDraining: true } } });
    this.#updateMembers(ingress.manifold, false, (members) => members.filter((member) => member !== resource.id));
  }

  /** The segments of a manifold learn where its actor is. */
  tellPorts(manifold: number, actor: Ref): void {
    for (const { resource, detail } of this.#table.entries('segment')) {
      if (detail.ports.some((port) => port.manifold === manifold)) {
        const ports = detail.ports.map((port) => (port.manifold === manifold ? { ...port, actor } : port));
        this.#table.put({ ...resource, detail: { case: 'segment', value: { ...detail, ports } } });
      }
    }
  }

  #assign(port: string, isEgress: boolean, manifolds: ReadonlyMap<string, number>): v1.PortAssignment[] {
    const manifold = manifolds.get(port);
    return manifold === undefined
      ? []
      : [v1.PortAssignment.create({ port, manifold, isEgress, actor: this.#table.manifold(manifold)?.detail.actor })];
  }

  #updateMembers(manifold: number, isEgress: boolean, update: (members: readonly number[]) => readonly number[]): void {
    const side = isEgress ? 'producers' : 'consumers';
    this.#updateManifold(manifold, (detail) => ({ [side]: update(detail[side]) }));
  }

  #updateManifold(manifold: number, update: (detail: v1.Manifold) => Partial<v1.Manifold>): void {
    const entry = this.#table.manifold(manifold);
    if (entry !== undefined) {
      const value = { ...entry.detail, ...update(entry.detail) };
      this.#table.put({ ...entry.resource, detail: { case: 'manifold', value } });
    }
  }
}
