import { MillraceError } from '../../errors.js';
import { messageOf, namedMessageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import { v1 } from '../../protocol/index.js';
import { type ControlPlaneClient, State } from '../control-plane/index.js';
import { type ActorRef, type ActorSystem, type Behavior, behavior, type Context } from '../kernel/index.js';
import { manifold } from './manifold.js';
import { placePipeline } from './placement.js';

type IsSilent = (partition: Pick<v1.Partition, 'ordinal' | 'address'>) => boolean;

interface Owned {
  readonly actor: ActorRef<typeof v1.ManifoldService>;
  isEnding: boolean;
}

/**
 * Runs in each process, for the pipelines that the process has started: expands them into placed parts, and owns their manifolds, which it
 * creates when the control plane first requests them. So a pipeline needs no other process than its own and those of its segments: the control
 * plane may end meanwhile.
 */
export class PipelinesManager {
  readonly #system: ActorSystem;
  readonly #client: ControlPlaneClient;
  readonly #isSilent: IsSilent;
  readonly #expanding = new Set<number>();
  readonly #manifolds = new Map<number, Owned>();
  #context: Context | undefined;

  /** `isSilent`: the partition does not answer, as far as this process knows. */
  constructor(system: ActorSystem, client: ControlPlaneClient, isSilent: IsSilent) {
    this.#isSilent = isSilent;
    this.#system = system;
    this.#client = client;
  }

  behavior(): Behavior<typeof v1.PipelinesManager, undefined> {
    return behavior(v1.PipelinesManager, {
      supervision: { onFailure: 'resume' },
      describe: () => ({
        pipelines: [...this.#client.resources()].filter(({ detail }) => detail.case === 'pipeline'),
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
    if (detail.case === 'pipeline') {
      // A request to start it that is repeated starts another one: this one is known to have been started when there is a reply.
      const isToExpand = actual === State.INITIALIZED && requested > actual && this.#client.isFollowed(id);
      if (!isToExpand || this.#expanding.has(id)) return;
      this.#expanding.add(id);
      // A control plane that has started anew may show it unexpanded again. To expand it twice changes nothing.
      this.#attempt('expand a pipeline', () =>
        this.#expand(id, detail.value).finally(() => this.#expanding.delete(id)),
      );
    } else if (detail.case === 'manifold') {
      this.#follow(id, requested, detail.value);
    }
  }

  removed(id: number): void {
    this.#expanding.delete(id);
    this.#manifolds.delete(id);
  }

  async #expand(id: number, pipeline: v1.Pipeline): Promise<void> {
    const client = this.#client;
    try {
      const definition = await client.getDefinition(pipeline.definition);
      const ordinals = await this.#ordinals();
      await client.expandPipeline({
        pipeline: id,
        ...partsOf(placePipeline(definition, pipeline.mapping, ordinals)),
      });
    } catch (error) {
      const code = error instanceof MillraceError ? error.code : 'PIPELINE';
      const message = messageOf(error);
      await client.expandPipeline({ pipeline: id, failed: v1.Failure.create({ code, message }) });
    }
  }

  /** Those that answer; all, where none does. */
  async #ordinals(): Promise<number[]> {
    const running = await this.#client.partitionsForSegments(limits.controlPlaneTimeoutMs);
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
      await this.#client.report({ id, actual: State.CREATED, actor: actor.toRef() });
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
    await this.#client.report({ id, actual: State.DESTROYED });
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
