import { MillraceError } from '../../errors.js';
import { messageOf, namedMessageOf } from '../../foreign.js';
import { isManaged } from '../../ids/index.js';
import { v1 } from '../../protocol/index.js';
import { type ControlPlaneClient, State } from '../control-plane/index.js';
import { type ActorRef, type ActorSystem, type Behavior, behavior, type Context } from '../kernel/index.js';
import { manifold } from './manifold.js';
import { placePipeline } from './placement.js';

interface Owned {
  readonly actor: ActorRef<typeof v1.ManifoldService>;
  isEnding: boolean;
}

/**
 * Runs in the runtime with the control plane server: expands a started pipeline into placed parts, and owns the manifolds, which it
 * creates when the control plane first requests them.
 */
export class PipelinesManager {
  readonly #system: ActorSystem;
  readonly #client: () => ControlPlaneClient;
  readonly #isSilent: (partition: v1.Partition) => boolean;
  readonly #expanding = new Set<number>();
  readonly #manifolds = new Map<number, Owned>();
  #context: Context | undefined;

  /** `isSilent`: the partition does not answer, as far as this process knows. */
  constructor(system: ActorSystem, client: () => ControlPlaneClient, isSilent: (partition: v1.Partition) => boolean) {
    this.#isSilent = isSilent;
    this.#system = system;
    this.#client = client;
  }

  behavior(): Behavior<typeof v1.PipelinesManager, undefined> {
    return behavior(v1.PipelinesManager, {
      supervision: { onFailure: 'resume' },
      describe: () => ({
        pipelines: [...this.#client().resources()].filter(({ detail }) => detail.case === 'pipeline'),
      }),
      on: {
        started: (_state, context) => {
          this.#context = context;
        },
      },
    });
  }

  /** A resource was added or changed. */
  changed(resource: v1.Resource): void {
    const { detail, id, requested, actual } = resource;
    if (detail.case === 'pipeline' && actual === State.INITIALIZED && requested > actual && !this.#expanding.has(id)) {
      this.#expanding.add(id);
      this.#attempt('expand a pipeline', () => this.#expand(id, detail.value));
    } else if (detail.case === 'manifold') {
      this.#follow(id, requested, detail.value);
    }
  }

  removed(id: number): void {
    this.#expanding.delete(id);
    this.#manifolds.delete(id);
  }

  async #expand(id: number, pipeline: v1.Pipeline): Promise<void> {
    const client = this.#client();
    try {
      const definition = await client.getDefinition(pipeline.definition);
      await client.expandPipeline({
        pipeline: id,
        ...partsOf(placePipeline(definition, pipeline.mapping, this.#ordinals())),
      });
    } catch (error) {
      const code = error instanceof MillraceError ? error.code : 'PIPELINE';
      const message = messageOf(error);
      await client.expandPipeline({ pipeline: id, failed: v1.Failure.create({ code, message }) });
    }
  }

  /** Those that answer; all, where none does. */
  #ordinals(): number[] {
    const running: v1.Partition[] = [];
    for (const { detail, actual } of this.#client().resources()) {
      if (detail.case === 'partition' && actual === State.RUNNING && isManaged(detail.value.pUid)) {
        running.push(detail.value);
      }
    }
    const answering = running.filter((partition) => !this.#isSilent(partition));
    const chosen = answering.length > 0 ? answering : running;
    return chosen.map(({ ordinal }) => ordinal).sort((left, right) => left - right);
  }

  #follow(id: number, requested: State, { port, policy, producers, consumers, ended }: v1.Manifold): void {
    const owned = this.#manifolds.get(id);
    if (requested === State.DESTROYED) {
      if (owned === undefined || !owned.isEnding) {
        this.#attempt('end a manifold', () => this.#end(id, owned));
      }
      return;
    }
    if (requested < State.CREATED) {
      return;
    }
    const actor = owned?.actor ?? this.#create(id, port, policy);
    this.#attempt('tell a manifold whom to expect', async () => {
      await actor.expect({ producers, consumers, ended });
      await this.#client().report({ id, actual: State.CREATED, actor: actor.toRef() });
    });
  }

  #create(id: number, port: string, policy: string): ActorRef<typeof v1.ManifoldService> {
    if (this.#context === undefined) {
      throw new MillraceError('The pipelines manager has not started.');
    }
    const actor = this.#context.spawn(manifold(port, policy), { name: `manifold-${id}` });
    this.#manifolds.set(id, { actor, isEnding: false });
    return actor;
  }

  async #end(id: number, owned: Owned | undefined): Promise<void> {
    if (owned !== undefined) {
      owned.isEnding = true;
      await this.#system.stop(owned.actor);
    }
    await this.#client().report({ id, actual: State.DESTROYED });
  }

  #attempt(what: string, work: () => Promise<void>): void {
    work().catch((error: unknown) => this.#context?.log.warn(`could not ${what}`, { error: namedMessageOf(error) }));
  }
}

function partsOf({
  manifolds,
  segments,
}: ReturnType<typeof placePipeline>): Pick<v1.PipelinePartsInit, 'manifolds' | 'segments'> {
  return {
    manifolds: manifolds.map((part) => v1.ManifoldPart.create(part)),
    segments: segments.map((part) => v1.SegmentPart.create(part)),
  };
}
