import { AskAbortedError } from '../../../errors.js';
import { namedMessageOf } from '../../../foreign.js';
import { limits } from '../../../limits.js';
import type { Logger } from '../../../logging/index.js';
import { type AnyService, v1 } from '../../../protocol/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
import { isLate, nobodyRegistered, retryAsk } from '../../control-plane/index.js';
import type {
  ActorRef,
  ActorSystem,
  GroupOptions,
  GroupRef,
  LookupOptions,
  PlaceOptions,
  UntypedRef,
} from '../../kernel/index.js';
import { bounded } from '../bounded-call.js';
import * as given from '../given-arguments.js';
import { Groups } from '../groups/index.js';
import { type PlacedComponent, placingAborted } from '../placing/index.js';
import type { Cluster, Owner } from './actor-surroundings.js';
import { assertNotRefused, refOf } from './context-calls.js';
import { FollowedGroups } from './followed-groups.js';
import { placeRequestOf } from './place-wire.js';

export interface RemoteClusterOptions {
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** The actor of `contextCalls` in the first partition of the process. */
  readonly calls: () => ActorRef<typeof v1.ContextCalls>;
}

/** Time in ms for an answer beyond the time that the first partition has for its work. */
const ANSWER_MS = 2_000;
/** Time in ms of a lookup that states none, as of `runtime.lookup`. */
const LOOKUP_MS = 5_000;

/** The cluster, as the actors of a partition reach it that has no control plane client: by the first partition of the process. */
export class RemoteCluster implements Cluster {
  readonly #options: RemoteClusterOptions;
  readonly #followed: FollowedGroups;
  readonly #groups: Groups;
  #requests = 0;

  constructor(options: RemoteClusterOptions) {
    this.#options = options;
    this.#followed = new FollowedGroups({ ...options, groups: () => this.#groups });
    this.#groups = new Groups({ ...options, client: () => this.#followed, ordinals: () => this.#followed.ordinals });
  }

  async place<S extends AnyService>(
    owner: Owner,
    component: PlacedComponent<S>,
    args: readonly Uint8Array[],
    options: PlaceOptions,
  ): Promise<readonly ActorRef<S>[]> {
    const { timeoutMs = limits.placeTimeoutMs, signal } = options;
    const { system } = this.#options;
    const [id, by] = [++this.#requests, ownerOf(owner)];
    const request = { ...placeRequestOf(component, args, options, timeoutMs), owner: by, id };
    try {
      const reply = await this.#ask(timeoutMs + ANSWER_MS, (calls, ask) => calls.place(request, { ...ask, signal }));
      assertNotRefused(reply);
      signal?.throwIfAborted();
      return reply.actors.map((actor) => system.reference(component.service, actor));
    } catch (error) {
      this.#inBackground('a request to place actors was not given up', (calls, ask) =>
        calls.giveUp({ owner: by, id }, ask),
      );
      if (signal?.aborted === true && error instanceof AskAbortedError)
        throw placingAborted(component.name, signal.reason);
      throw error;
    }
  }

  async stopOf(owner: Owner, ref: UntypedRef, drainMs: number | undefined): Promise<boolean> {
    if (drainMs !== undefined) await this.#fence(owner, ref, drainMs);
    const request = { owner: ownerOf(owner), actor: ref.toRef(), drainMs };
    const timeoutMs = (drainMs ?? 0) + limits.controlPlaneTimeoutMs + ANSWER_MS;
    const reply = await this.#ask(timeoutMs, (calls, ask) => calls.stop(request, ask));
    assertNotRefused(reply);
    return reply.isOwned;
  }

  /** What this partition has sent to a placed actor arrives before the request to drain it, which goes by way of the first partition. */
  async #fence(owner: Owner, ref: UntypedRef, drainMs: number): Promise<void> {
    const { system, scheduler, log } = this.#options;
    const request = { owner: ownerOf(owner), actor: ref.toRef() };
    try {
      const { spawner } = await this.#ask(drainMs, (calls, ask) => calls.findSpawner(request, ask));
      if (spawner === undefined) return;
      const actor = system.reference(v1.Spawner, spawner);
      await retryAsk(scheduler, drainMs, (ask) => actor.fence({}, ask));
    } catch (error) {
      log.debug('what was sent to a placed actor is not known to have arrived', { error: namedMessageOf(error) });
    }
  }

  async ended(owner: Owner): Promise<void> {
    const timeoutMs = limits.controlPlaneTimeoutMs + ANSWER_MS;
    await this.#ask(timeoutMs, (calls, ask) => calls.end(ownerOf(owner), ask));
  }

  async lookup<S extends AnyService>(service: S, name: string, options: LookupOptions): Promise<ActorRef<S>> {
    given.checkLookup('ctx.lookup', service, name, options);
    const { timeoutMs = LOOKUP_MS, signal } = options;
    const wanted = { name, service: service.typeName };
    try {
      const actor = await this.#ask(timeoutMs, async (calls, ask) => {
        const reply = await calls.lookup(wanted, { ...ask, signal });
        assertNotRefused(reply);
        return refOf(reply.actor, `the name "${name}"`);
      });
      return this.#options.system.reference(service, actor, name);
    } catch (cause) {
      if (!isLate(cause)) throw cause;
      throw nobodyRegistered({ ...wanted, timeoutMs }, cause);
    }
  }

  async group<S extends AnyService>(
    service: S,
    name: string,
    options: GroupOptions<S>,
    closed: () => void,
  ): Promise<GroupRef<S>> {
    given.checkGroup('ctx.group', service, name, options);
    const start = (): Promise<GroupRef<S>> => this.#groups.use(service, name, options.policy ?? 'round-robin', closed);
    return bounded(`The search for the members of group "${name}"`, options, this.#options.scheduler, start, (group) =>
      group[Symbol.dispose](),
    );
  }

  /** The partition ends. */
  close(): void {
    this.#groups.close();
    this.#followed.close();
  }

  #ask<Reply>(
    timeoutMs: number,
    send: (calls: ActorRef<typeof v1.ContextCalls>, ask: { readonly timeoutMs?: number | undefined }) => Promise<Reply>,
  ): Promise<Reply> {
    const { scheduler, calls } = this.#options;
    return retryAsk(scheduler, timeoutMs, (ask) => send(calls(), ask));
  }

  #inBackground(
    failed: string,
    send: (
      calls: ActorRef<typeof v1.ContextCalls>,
      ask: { readonly timeoutMs?: number | undefined },
    ) => Promise<unknown>,
  ): void {
    this.#ask(limits.controlPlaneTimeoutMs, send).catch((error: unknown) =>
      this.#options.log.debug(failed, { error: namedMessageOf(error) }),
    );
  }
}

function ownerOf({ self, key }: Owner): v1.ActorOwnerInit {
  return { actor: self.toRef(), key };
}
