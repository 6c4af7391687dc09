import { ConfigError, UnreachableError } from '../../errors.js';
import { managedPUid } from '../../ids/index.js';
import { limits } from '../../limits.js';
import { type Ref, v1 } from '../../protocol/index.js';
import { acceptActual, failureOf, raiseRequested, State } from './life-cycle.js';
import { pipelineRules } from './pipeline-rules.js';

/** What a process told the control plane of itself. */
export interface ProcessEntry {
  readonly pUid: bigint;
  readonly resource: number;
  readonly launch: string;
  readonly managesPipelines: boolean;
  readonly ordinals: readonly number[];
  readonly client: Ref | undefined;
}

interface NameEntry {
  readonly ref: Ref;
  readonly pUid: bigint;
}

/** A resource together with its detail, narrowed to one kind. */
export interface Entry<Detail> {
  readonly resource: v1.Resource;
  readonly detail: Detail;
}

export interface PipelineEntries {
  readonly pipeline: Entry<v1.Pipeline>;
  readonly manifolds: readonly Entry<v1.Manifold>[];
  readonly segments: readonly Entry<v1.Segment>[];
  readonly failure: v1.Failure | undefined;
  readonly isStopRequested: boolean;
}

/**
 * Everything the control plane knows, and every way in which it changes. Plain state: no actor, link or clock in here. Resources
 * are values, replaced and never mutated; `takeChanges` gives the ids of those that changed since it was last called.
 */
export class ControlPlaneStore {
  readonly #resources = new Map<number, v1.Resource>();
  readonly #processes = new Map<bigint, ProcessEntry>();
  readonly #names = new Map<string, NameEntry>();
  readonly #definitions = new Map<string, v1.PipelineDefinition>();
  readonly #failures = new Map<number, v1.Failure>();
  readonly #stopRequests = new Set<number>();
  readonly #endedPipelines: number[] = [];
  readonly #changes = new Set<number>();
  #nextResource = 1;
  #nextProcess = 0n;
  #nextOrdinal = 1;

  // ---- processes and partitions

  connect(request: v1.ConnectProcess): ProcessEntry {
    for (const known of this.#processes.values()) {
      if (known.launch === request.launch) {
        return known;
      }
    }
    const pUid = managedPUid(this.#nextProcess++);
    const resource = this.#create({
      case: 'process',
      value: v1.Process.create({ pUid, name: request.name, node: request.node }),
    });
    const entry: ProcessEntry = {
      pUid,
      resource,
      launch: request.launch,
      managesPipelines: request.managesPipelines,
      ordinals: [],
      client: undefined,
    };
    this.#processes.set(pUid, entry);
    return entry;
  }

  registerPartitions(pUid: bigint, addresses: readonly string[]): readonly number[] {
    const entry = this.process(pUid);
    const ordinals = addresses.map((address) => {
      const ordinal = this.#nextOrdinal++;
      this.#create({ case: 'partition', value: v1.Partition.create({ ordinal, pUid, address }) });
      return ordinal;
    });
    this.#processes.set(pUid, { ...entry, ordinals: [...entry.ordinals, ...ordinals] });
    return ordinals;
  }

  activate(pUid: bigint, client: Ref, segmentsManagers: readonly Ref[]): void {
    const entry = this.process(pUid);
    this.#processes.set(pUid, { ...entry, client });
    this.#advance(entry.resource, State.RUNNING);
    for (const { resource, detail } of this.#partitionsOf(entry)) {
      const segmentsManager = segmentsManagers[entry.ordinals.indexOf(detail.ordinal)];
      this.#put({ ...resource, detail: { case: 'partition', value: { ...detail, segmentsManager } } });
      this.#advance(resource.id, State.RUNNING);
    }
  }

  /** The process has ended: its names go, its partitions and segments with it. What depended on a segment fails by its policy. */
  retire(pUid: bigint, cause: string): ProcessEntry | undefined {
    const entry = this.#processes.get(pUid);
    if (entry === undefined) {
      return undefined;
    }
    this.#processes.delete(pUid);
    for (const [name, owner] of this.#names) {
      if (owner.pUid === pUid) {
        this.#names.delete(name);
      }
    }
    for (const { resource, detail } of this.segments()) {
      if (entry.ordinals.includes(detail.partition)) {
        this.#loseSegment(resource.id, detail, cause);
      }
    }
    for (const { resource, detail } of this.pipelines()) {
      if (detail.startedBy === pUid && resource.actual < State.DESTROYED) {
        this.#stopRequests.add(resource.id);
      }
    }
    for (const { resource } of this.#partitionsOf(entry)) {
      this.#remove(resource.id);
    }
    this.#remove(entry.resource);
    this.#settle();
    return entry;
  }

  process(pUid: bigint): ProcessEntry {
    const entry = this.#processes.get(pUid);
    if (entry === undefined) {
      throw new UnreachableError(`Process ${pUid} is not connected to the control plane; it joins anew to go on.`);
    }
    return entry;
  }

  processes(): IterableIterator<ProcessEntry> {
    return this.#processes.values();
  }

  locate(ordinal: number): string {
    for (const { detail } of this.partitions()) {
      if (detail.ordinal === ordinal) {
        return detail.address;
      }
    }
    throw new UnreachableError(`Partition ${ordinal} does not exist, or its process has ended.`);
  }

  // ---- names

  registerName(pUid: bigint, name: string, ref: Ref): void {
    this.process(pUid);
    const holder = this.#names.get(name);
    if (holder !== undefined && holder.ref.cUid !== ref.cUid) {
      throw new ConfigError(
        `The name "${name}" is taken by ${holder.ref.service} ${holder.ref.cUid} of process ${holder.pUid}; ` +
          `${ref.service} ${ref.cUid} of process ${pUid} needs another.`,
      );
    }
    this.#names.set(name, { ref, pUid });
  }

  unregisterName(name: string, cUid: bigint): void {
    if (this.#names.get(name)?.ref.cUid === cUid) {
      this.#names.delete(name);
    }
  }

  lookup(name: string): Ref | undefined {
    return this.#names.get(name)?.ref;
  }

  names(): v1.NameEntry[] {
    return [...this.#names].map(([name, { ref }]) => v1.NameEntry.create({ name, ref }));
  }

  // ---- pipelines

  registerDefinition(hash: string, definition: v1.PipelineDefinition): void {
    this.#definitions.set(hash, definition);
  }

  definition(hash: string): v1.PipelineDefinition {
    const definition = this.#definitions.get(hash);
    if (definition === undefined) {
      throw new ConfigError(`No pipeline definition ${hash} is registered.`);
    }
    return definition;
  }

  startPipeline(pUid: bigint, hash: string, mapping: readonly v1.Mapping[]): number {
    const { client } = this.process(pUid);
    const definition = this.definition(hash);
    return this.#createPipeline({
      name: definition.name,
      definition: hash,
      mapping,
      onFailure: definition.onFailure,
      restartsLeft: definition.maxRestarts,
      startedBy: pUid,
      observer: client,
    });
  }

  stopPipeline(id: number): void {
    this.#stopRequests.add(this.#lastAttempt(id));
    this.#settle();
  }

  expandPipeline(parts: v1.PipelineParts): void {
    const entry = this.pipelineEntries(parts.pipeline);
    if (entry === undefined || entry.pipeline.resource.actual !== State.INITIALIZED) {
      return;
    }
    if (parts.failed !== undefined) {
      this.#failures.set(parts.pipeline, parts.failed);
    }
    const { detail } = entry.pipeline;
    const manifolds = new Map<string, number>();
    for (const { port, policy } of parts.manifolds) {
      const value = v1.Manifold.create({ pipeline: parts.pipeline, port, policy });
      manifolds.set(port, this.#create({ case: 'manifold', value }));
    }
    for (const part of parts.segments) {
      this.#createSegment(parts.pipeline, detail, part, manifolds);
    }
    this.#advance(parts.pipeline, State.CREATING);
    this.#settle();
  }

  /** One instance more; returns its id. */
  addInstance(pipeline: number, segment: string, partition: number | undefined): number {
    const entries = this.pipelineEntries(pipeline);
    const siblings = entries?.segments.filter(({ detail }) => detail.name === segment) ?? [];
    const sibling = siblings[0];
    if (entries === undefined || sibling === undefined) {
      throw new ConfigError(`Pipeline ${pipeline} runs no segment "${segment}".`);
    }
    if (siblings.some(({ resource }) => resource.actual >= State.COMPLETED)) {
      throw new ConfigError(
        `Segment "${segment}" of pipeline ${pipeline} has begun to end; it takes no further instance.`,
      );
    }
    const ports = sibling.detail.ports;
    const manifolds = new Map(ports.map((port) => [port.port, port.manifold]));
    const part = v1.SegmentPart.create({
      name: segment,
      instance: 1 + Math.max(...siblings.map(({ detail }) => detail.instance)),
      partition: partition ?? sibling.detail.partition,
      ingress: ports.find((port) => !port.isEgress)?.port ?? '',
      egress: ports.find((port) => port.isEgress)?.port ?? '',
    });
    const id = this.#createSegment(pipeline, entries.pipeline.detail, part, manifolds);
    this.#settle();
    return id;
  }

  /** The segment leaves the consumers of the port it reads from; it ends when all that was sent to it is read. */
  drainSegment(id: number): void {
    const resource = this.#resources.get(id);
    if (resource?.detail.case !== 'segment') {
      throw new ConfigError(`There is no segment ${id}.`);
    }
    const segment = resource.detail.value;
    const ingress = segment.ports.find((port) => !port.isEgress);
    if (ingress === undefined) {
      throw new ConfigError(
        `Segment "${segment.name}" reads from no port, so there is nothing to drain; stop it instead.`,
      );
    }
    const manifold = this.#manifold(ingress.manifold);
    if (manifold !== undefined && manifold.detail.consumers.every((consumer) => consumer === id)) {
      throw new ConfigError(
        `Segment "${segment.name}" is the last reader of port "${ingress.port}"; stop the pipeline instead.`,
      );
    }
    this.#put({ ...resource, detail: { case: 'segment', value: { ...segment, isDraining: true } } });
    this.#updateMembers(ingress.manifold, (members) => members.filter((member) => member !== id), 'consumers');
    this.#settle();
  }

  /** The owner of a resource says how far it is. Repeats are harmless. */
  report(report: v1.ResourceReport): void {
    const resource = this.#resources.get(report.id);
    if (resource === undefined) {
      return;
    }
    const actual = acceptActual(resource.requested, resource.actual, report.actual, report.outcome);
    if (actual === undefined) {
      return;
    }
    let next: v1.Resource = { ...resource, actual, outcome: report.outcome ?? resource.outcome };
    if (next.detail.case === 'manifold' && report.actor !== undefined) {
      next = { ...next, detail: { case: 'manifold', value: { ...next.detail.value, actor: report.actor } } };
      this.#tellPorts(report.id, report.actor);
    }
    this.#put(next);
    if (next.detail.case === 'segment') {
      this.#segmentReported(next, next.detail.value);
    } else if (next.detail.case === 'manifold' && actual === State.DESTROYED) {
      this.#remove(next.id);
    }
    this.#settle();
  }

  pipelines(): Entry<v1.Pipeline>[] {
    return this.#entries('pipeline');
  }

  partitions(): Entry<v1.Partition>[] {
    return this.#entries('partition');
  }

  segments(): Entry<v1.Segment>[] {
    return this.#entries('segment');
  }

  pipelineEntries(id: number): PipelineEntries | undefined {
    const pipeline = this.pipelines().find((entry) => entry.resource.id === id);
    return (
      pipeline && {
        pipeline,
        manifolds: this.#entries('manifold').filter(({ detail }) => detail.pipeline === id),
        segments: this.segments().filter(({ detail }) => detail.pipeline === id),
        failure: this.#failures.get(id),
        isStopRequested: this.#stopRequests.has(id),
      }
    );
  }

  // ---- resources

  resource(id: number): v1.Resource | undefined {
    return this.#resources.get(id);
  }

  resources(): IterableIterator<v1.Resource> {
    return this.#resources.values();
  }

  /** Ids of the resources that were made, changed or removed since the last call. */
  takeChanges(): number[] {
    const ids = [...this.#changes];
    this.#changes.clear();
    return ids;
  }

  #create(detail: v1.Resource['detail']): number {
    const id = this.#nextResource++;
    this.#put(v1.Resource.create({ id, requested: State.INITIALIZED, actual: State.INITIALIZED, detail }));
    return id;
  }

  #createPipeline(value: v1.PipelineInit): number {
    const id = this.#create({ case: 'pipeline', value: v1.Pipeline.create(value) });
    this.#request(id, State.COMPLETED);
    return id;
  }

  #createSegment(
    pipeline: number,
    detail: v1.Pipeline,
    part: v1.SegmentPart,
    manifolds: ReadonlyMap<string, number>,
  ): number {
    const ports: v1.PortAssignment[] = [];
    for (const [port, isEgress] of [
      [part.ingress, false],
      [part.egress, true],
    ] as const) {
      const manifold = manifolds.get(port);
      if (manifold !== undefined) {
        ports.push(
          v1.PortAssignment.create({ port, manifold, isEgress, actor: this.#manifold(manifold)?.detail.actor }),
        );
      }
    }
    const id = this.#create({
      case: 'segment',
      value: v1.Segment.create({
        pipeline,
        name: part.name,
        instance: part.instance,
        partition: part.partition,
        definition: detail.definition,
        onFailure: detail.onFailure,
        ports,
        observer: detail.observer,
      }),
    });
    for (const { manifold, isEgress } of ports) {
      this.#updateMembers(manifold, (members) => [...members, id], isEgress ? 'producers' : 'consumers');
    }
    return id;
  }

  #segmentReported(resource: v1.Resource, segment: v1.Segment): void {
    const failure = failureOf(resource.outcome);
    if (failure !== undefined && !this.#failures.has(segment.pipeline)) {
      this.#failures.set(segment.pipeline, failure);
    }
    if (resource.actual >= State.DESTROYED) {
      this.#removeSegment(resource.id, segment);
    }
  }

  /** The segments of a manifold learn where its actor is. */
  #tellPorts(manifold: number, actor: Ref): void {
    for (const { resource, detail } of this.segments()) {
      if (detail.ports.some((port) => port.manifold === manifold)) {
        const ports = detail.ports.map((port) => (port.manifold === manifold ? { ...port, actor } : port));
        this.#put({ ...resource, detail: { case: 'segment', value: { ...detail, ports } } });
      }
    }
  }

  #loseSegment(id: number, segment: v1.Segment, cause: string): void {
    const resource = this.#resources.get(id);
    if (resource !== undefined && resource.actual < State.COMPLETED && !this.#failures.has(segment.pipeline)) {
      const message = `segment "${segment.name}" in partition ${segment.partition} was lost: ${cause}`;
      const failure = { code: 'UNREACHABLE', message, segment: segment.name, partition: segment.partition };
      this.#failures.set(segment.pipeline, v1.Failure.create(failure));
    }
    this.#removeSegment(id, segment);
  }

  #removeSegment(id: number, segment: v1.Segment): void {
    for (const { manifold, isEgress } of segment.ports) {
      this.#updateMembers(
        manifold,
        (members) => members.filter((member) => member !== id),
        isEgress ? 'producers' : 'consumers',
      );
    }
    this.#remove(id);
  }

  #updateMembers(
    manifold: number,
    update: (members: readonly number[]) => readonly number[],
    side: 'producers' | 'consumers',
  ): void {
    const entry = this.#manifold(manifold);
    if (entry !== undefined) {
      const value = { ...entry.detail, [side]: update(entry.detail[side]) };
      this.#put({ ...entry.resource, detail: { case: 'manifold', value } });
    }
  }

  #manifold(id: number): Entry<v1.Manifold> | undefined {
    const resource = this.#resources.get(id);
    return resource?.detail.case === 'manifold' ? { resource, detail: resource.detail.value } : undefined;
  }

  #partitionsOf(entry: ProcessEntry): Entry<v1.Partition>[] {
    return this.partitions().filter(({ detail }) => detail.pUid === entry.pUid);
  }

  #entries<Kind extends 'pipeline' | 'manifold' | 'segment' | 'partition'>(
    kind: Kind,
  ): Entry<Extract<v1.Resource['detail'], { readonly case: Kind }>['value']>[];
  #entries(kind: string): Entry<unknown>[] {
    const found: Entry<unknown>[] = [];
    for (const resource of this.#resources.values()) {
      if (resource.detail.case === kind) {
        found.push({ resource, detail: resource.detail.value });
      }
    }
    return found;
  }

  /** Carries the rules out, again and again, until they ask for nothing new. */
  #settle(): void {
    for (let isSettled = false; !isSettled; ) {
      isSettled = true;
      for (const { resource } of this.pipelines()) {
        if (resource.actual < State.DESTROYED && this.#settlePipeline(resource.id)) {
          isSettled = false;
        }
      }
    }
  }

  #settlePipeline(id: number): boolean {
    const entries = this.pipelineEntries(id);
    if (entries === undefined) {
      return false;
    }
    const { requests, actual, outcome } = pipelineRules(entries);
    let hasChanged = false;
    for (const request of requests) {
      hasChanged = this.#request(request.id, request.requested) || hasChanged;
    }
    if (actual > entries.pipeline.resource.actual) {
      this.#put({ ...entries.pipeline.resource, actual, outcome });
      if (actual === State.DESTROYED) {
        this.#pipelineEnded(id, entries.pipeline.detail, outcome);
      }
      hasChanged = true;
    }
    return hasChanged;
  }

  #pipelineEnded(id: number, detail: v1.Pipeline, outcome: v1.Outcome | undefined): void {
    const isStopRequested = this.#stopRequests.delete(id);
    this.#failures.delete(id);
    const restarts = detail.onFailure === v1.FailurePolicy.RESTART && detail.restartsLeft > 0 && !isStopRequested;
    if (restarts && failureOf(outcome) !== undefined) {
      const restartedBy = this.#createPipeline({ ...detail, restartsLeft: detail.restartsLeft - 1, restartOf: id });
      const resource = this.#resources.get(id);
      if (resource !== undefined) {
        this.#put({ ...resource, detail: { case: 'pipeline', value: { ...detail, restartedBy } } });
      }
    }
    this.#endedPipelines.push(id);
    if (this.#endedPipelines.length > limits.endedPipelines) {
      const oldest = this.#endedPipelines.shift();
      if (oldest !== undefined) {
        this.#remove(oldest);
      }
    }
  }

  /** The attempt that runs now, where `id` was restarted. */
  #lastAttempt(id: number): number {
    const resource = this.#resources.get(id);
    if (resource?.detail.case !== 'pipeline') {
      throw new ConfigError(`There is no pipeline ${id}.`);
    }
    const { restartedBy } = resource.detail.value;
    return restartedBy === undefined ? id : this.#lastAttempt(restartedBy);
  }

  #request(id: number, requested: State): boolean {
    const resource = this.#resources.get(id);
    if (resource === undefined) {
      return false;
    }
    const raised = raiseRequested(resource.requested, requested);
    if (raised === resource.requested) {
      return false;
    }
    this.#put({ ...resource, requested: raised });
    return true;
  }

  #advance(id: number, actual: State): void {
    const resource = this.#resources.get(id);
    if (resource !== undefined && resource.actual < actual) {
      const requested = raiseRequested(resource.requested, actual === State.RUNNING ? State.COMPLETED : State.CREATED);
      this.#put({ ...resource, actual, requested });
    }
  }

  #put(resource: v1.Resource): void {
    this.#resources.set(resource.id, resource);
    this.#changes.add(resource.id);
  }

  #remove(id: number): void {
    this.#resources.delete(id);
    this.#changes.add(id);
  }
}
