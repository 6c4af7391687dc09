import { ProtocolError } from '../../../errors.js';
import { v1 } from '../../../protocol/index.js';
import { raiseRequested, State } from './life-cycle.js';
import type { Side } from './manifold-members.js';
import type { ProcessEntry } from './processes.js';
import type { Entry, ResourceTable } from './resource-table.js';

/**
 * Takes over pipelines that an earlier control plane has started, during the recovery. The process that has started a pipeline announces it with
 * all its parts, and each process the segments that it runs. Either may have missed the last changes, so the later state of the two holds.
 * Nothing is requested of these pipelines before `settle`.
 */
export class RegainedPipelines {
  readonly #table: ResourceTable;

  constructor(table: ResourceTable) {
    this.#table = table;
  }

  /** Throws ProtocolError for a resource of which the process neither runs a part nor has started the pipeline. */
  announced(process: ProcessEntry, resource: v1.Resource): void {
    const { id, detail } = resource;
    const known = this.#table.get(id);
    if ((known !== undefined && known.detail.case !== detail.case) || !this.#mayAnnounce(process, detail)) {
      throw new ProtocolError(`Process ${process.pUid} announced resource ${id}, which does not belong to it.`);
    }
    this.#table.passOver(id);
    this.#table.put(merged(known, resource, detailOf(known?.detail, detail, process)));
    if (detail.case === 'manifold') this.#table.setMembers(id, listsOf(detail.value));
  }

  /**
   * All that is known has been announced. Drops the parts of pipelines that nobody has announced, or that were not expanded when they were
   * announced: none of these has run. Returns the pipelines that go on.
   */
  settle(): readonly Entry<v1.Pipeline>[] {
    const { pipelineParts } = this.#table;
    const regained: Entry<v1.Pipeline>[] = [];
    for (const id of pipelineParts.pipelines()) {
      const pipeline = this.#table.pipeline(id);
      if (pipeline !== undefined && !pipeline.detail.isRegained) continue;
      const hasParts = pipeline !== undefined && pipeline.resource.actual > State.INITIALIZED;
      if (hasParts) this.#joinMembers(id);
      else for (const part of [...pipelineParts.segments(id), ...pipelineParts.manifolds(id)]) this.#table.remove(part);
      if (pipeline !== undefined) regained.push(pipeline);
    }
    return regained;
  }

  #mayAnnounce({ pUid, ordinals }: ProcessEntry, detail: v1.Resource['detail']): boolean {
    switch (detail.case) {
      case 'pipeline':
        return detail.value.startedBy === pUid;
      case 'manifold':
        return this.#isStartedBy(pUid, detail.value.pipeline);
      case 'segment':
        return ordinals.includes(detail.value.partition) || this.#isStartedBy(pUid, detail.value.pipeline);
      default:
        return false;
    }
  }

  #isStartedBy(pUid: bigint, pipeline: number): boolean {
    return this.#table.pipeline(pipeline)?.detail.startedBy === pUid;
  }

  /** The members of the manifolds of a pipeline are the segments that there are. */
  #joinMembers(pipeline: number): void {
    const { pipelineParts } = this.#table;
    const members = new Map<number, { readonly producers: number[]; readonly consumers: number[] }>();
    for (const id of pipelineParts.manifolds(pipeline)) members.set(id, { producers: [], consumers: [] });
    for (const id of pipelineParts.segments(pipeline)) {
      const { ports = [], isDraining = false } = this.#table.segment(id)?.detail ?? {};
      for (const { manifold, isEgress } of ports) {
        if (isEgress) members.get(manifold)?.producers.push(id);
        else if (!isDraining) members.get(manifold)?.consumers.push(id);
      }
    }
    for (const [id, found] of members) {
      this.#table.setMembers(id, found);
    }
  }
}

/**
 * Whether a process has not announced itself that has started a pipeline of which parts are known, or that runs one of these parts.
 */
export function isPartMissing(table: ResourceTable): boolean {
  for (const id of table.pipelineParts.pipelines()) {
    if (table.pipeline(id) === undefined) return true;
    for (const { resource, detail } of table.segmentsOf(id)) {
      if (resource.actual < State.COMPLETED && table.runningPartition(detail.partition) === undefined) return true;
    }
  }
  return false;
}

function listsOf({ producers, consumers, ended }: v1.Manifold): Pick<v1.Manifold, Side> {
  return { producers, consumers, ended };
}

function merged(
  known: v1.Resource | undefined,
  { id, requested, actual, outcome }: v1.Resource,
  detail: v1.Resource['detail'],
): v1.Resource {
  if (actual < State.INITIALIZED || actual >= State.DESTROYED) {
    throw new ProtocolError(`Resource ${id} was announced in state ${actual}: one that has not ended is in 1 to 8.`);
  }
  return v1.Resource.create({
    id,
    requested: raiseRequested(known?.requested ?? State.INITIALIZED, requested),
    actual: known !== undefined && known.actual > actual ? known.actual : actual,
    outcome: known?.outcome ?? outcome,
    detail,
  });
}

function detailOf(
  known: v1.Resource['detail'] | undefined,
  announced: v1.Resource['detail'],
  { client: observer }: ProcessEntry,
): v1.Resource['detail'] {
  if (announced.case === 'pipeline') {
    return { case: 'pipeline', value: { ...announced.value, observer, isRegained: true } };
  }
  if (announced.case === 'manifold') {
    return { case: 'manifold', value: { ...announced.value, producers: [], consumers: [], ended: [] } };
  }
  if (announced.case !== 'segment' || known?.case !== 'segment') return announced;
  const isWired = known.value.ports.every(({ actor }) => actor !== undefined);
  const ports = isWired ? known.value.ports : announced.value.ports;
  const isDraining = known.value.isDraining || announced.value.isDraining;
  return { case: 'segment', value: { ...announced.value, ports, isDraining } };
}
