import type { Logger } from '../../../logging/index.js';
import type { AnyService, Ref, v1 } from '../../../protocol/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
import type {
  ActorRef,
  ActorSystem,
  Behavior,
  GroupOptions,
  GroupRef,
  LookupOptions,
  PlaceOptions,
  UntypedRef,
} from '../../kernel/index.js';
import type { ClusterNames } from '../cluster-names.js';
import type { Components, PlacedComponent, Placements } from '../placing/index.js';
import { ActorSurroundings, type Owner } from './actor-surroundings.js';
import { contextCalls, type PlacingCluster } from './context-calls.js';

/** The cluster, as the actors of the first partition reach it: by what its Runtime uses. */
export class ProcessCluster implements PlacingCluster {
  readonly #placements: () => Placements;
  readonly #names: ClusterNames;

  constructor(placements: () => Placements, names: ClusterNames) {
    this.#placements = placements;
    this.#names = names;
  }

  place<S extends AnyService>(
    { self, key }: Owner,
    component: PlacedComponent<S>,
    args: readonly Uint8Array[],
    options: PlaceOptions,
  ): Promise<readonly ActorRef<S>[]> {
    if (options.detached === true) return this.#placements().place(component, args, options);
    return this.#placements().place(component, args, { ...options, parent: self }, key);
  }

  spawnerOf({ key }: Owner, ref: UntypedRef): Ref | undefined {
    return this.#placements().spawnerOf(key, ref);
  }

  stopPlaced(ref: UntypedRef): Promise<boolean> {
    return this.#placements().stop(ref);
  }

  stopOf({ key }: Owner, ref: UntypedRef, drainMs: number | undefined): Promise<boolean> {
    return this.#placements().stopOf(key, ref, drainMs);
  }

  ended({ key }: Owner): Promise<void> {
    return this.#placements().ownerEnded(key);
  }

  lookup<S extends AnyService>(service: S, name: string, options: LookupOptions): Promise<ActorRef<S>> {
    return this.#names.lookup(service, name, options, 'ctx.lookup');
  }

  group<S extends AnyService>(
    service: S,
    name: string,
    options: GroupOptions<S>,
    closed: () => void,
  ): Promise<GroupRef<S>> {
    return this.#names.group(service, name, options, 'ctx.group', closed);
  }
}

export interface SurroundedProcess {
  /** The first of the process. */
  readonly partition: { readonly system: ActorSystem; readonly components: Components };
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly names: ClusterNames;
  readonly placements: () => Placements;
  /** Of the partitions of this process. */
  readonly ordinals: () => readonly number[];
}

/** Gives the actors of the first partition their surroundings. Returns the behavior of the actor that serves those of the other partitions. */
export function surroundProcess(process: SurroundedProcess): () => Behavior<typeof v1.ContextCalls, undefined> {
  const { partition, scheduler, log, names, placements, ordinals } = process;
  const { system, components } = partition;
  const cluster = new ProcessCluster(placements, names);
  system.surroundedBy(new ActorSurroundings(cluster, components, log));
  return () => contextCalls({ system, scheduler, log, cluster, ordinals, groups: names.groups });
}
