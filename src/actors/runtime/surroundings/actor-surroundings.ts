import { ConfigError, StoppedError } from '../../../errors.js';
import { namedMessageOf } from '../../../foreign.js';
import type { Logger } from '../../../logging/index.js';
import type { AnyService } from '../../../protocol/index.js';
import type {
  ActorRef,
  ClusterAccess,
  GroupOptions,
  GroupRef,
  LookupOptions,
  Place,
  PlaceOptions,
  Surroundings,
  UntypedRef,
} from '../../kernel/index.js';
import { type Components, type PlacedComponent, placeBy } from '../placing/index.js';

/** The incarnation of an actor that makes a call. */
export interface Owner {
  readonly self: UntypedRef;
  /** Tells incarnations apart, of all actors of the cluster. */
  readonly key: string;
}

/** How the actors of one partition reach the cluster. */
export interface Cluster {
  /** One actor for each of the encoded arguments. They are stopped when the owner has ended. */
  place<S extends AnyService>(
    owner: Owner,
    component: PlacedComponent<S>,
    args: readonly Uint8Array[],
    options: PlaceOptions,
  ): Promise<readonly ActorRef<S>[]>;
  /** Resolves to false for an actor that the owner has not placed. */
  stopOf(owner: Owner, ref: UntypedRef, drainMs: number | undefined): Promise<boolean>;
  /** Stops what the owner has placed; resolves when that has stopped, or is stopped in the background. */
  ended(owner: Owner): Promise<void>;
  lookup<S extends AnyService>(service: S, name: string, options: LookupOptions): Promise<ActorRef<S>>;
  /** `closed` is called when the reference is closed. */
  group<S extends AnyService>(
    service: S,
    name: string,
    options: GroupOptions<S>,
    closed: () => void,
  ): Promise<GroupRef<S>>;
}

/** The surroundings of the actors of one partition. */
export class ActorSurroundings implements Surroundings {
  readonly #cluster: Cluster;
  readonly #components: Components;
  readonly #log: Logger;
  #entered = 0;
  /** By actor: the end of what its last incarnation had placed. */
  readonly #leaving = new Map<string, Promise<void>>();

  /** `components` are those of the partition. */
  constructor(cluster: Cluster, components: Components, log: Logger) {
    this.#cluster = cluster;
    this.#components = components;
    this.#log = log;
  }

  enter(self: UntypedRef, path: string): ClusterAccess {
    const { cUid, incarnation } = self.toRef();
    const actor = `${cUid}/${incarnation}`;
    const owner: Owner = { self, key: `${actor}/${++this.#entered}` };
    const before = (): Promise<void> | undefined => this.#leaving.get(actor);
    return new Access(owner, path, this.#cluster, this.#components, before, () => this.#left(actor, owner));
  }

  #left(actor: string, owner: Owner): void {
    const left = this.#cluster
      .ended(owner)
      .catch((error: unknown) =>
        this.#log.debug('what an actor had placed is not known to have stopped', { error: namedMessageOf(error) }),
      )
      .finally(() => {
        if (this.#leaving.get(actor) === left) this.#leaving.delete(actor);
      });
    this.#leaving.set(actor, left);
  }
}

class Access implements ClusterAccess {
  readonly place: Place;
  readonly #owner: Owner;
  readonly #path: string;
  readonly #cluster: Cluster;
  readonly #left: () => void;
  readonly #before: () => Promise<void> | undefined;
  /** Of calls that are under way. */
  readonly #calls = new Set<AbortController>();
  readonly #groups = new Set<{ close(): void }>();
  #hasPlaced = false;
  #hasEnded = false;

  /** `before`: the end of what the incarnation before had placed. `left` is called at the end of one that has placed actors. */
  constructor(
    owner: Owner,
    path: string,
    cluster: Cluster,
    components: Components,
    before: () => Promise<void> | undefined,
    left: () => void,
  ) {
    this.#owner = owner;
    this.#path = path;
    this.#cluster = cluster;
    this.#before = before;
    this.#left = left;
    const placing = {
      place: <S extends AnyService>(
        component: PlacedComponent<S>,
        args: readonly Uint8Array[],
        options: PlaceOptions,
      ): Promise<readonly ActorRef<S>[]> => this.#place(component, args, options),
    };
    this.place = placeBy('ctx.place', placing, components, () => this.#assertLives('place an actor'));
  }

  lookup<S extends AnyService>(service: S, name: string, options: LookupOptions = {}): Promise<ActorRef<S>> {
    return this.#during('look up a name', options, (bounds) => this.#cluster.lookup(service, name, bounds));
  }

  async group<S extends AnyService>(service: S, name: string, options: GroupOptions<S> = {}): Promise<GroupRef<S>> {
    const held: { close(): void } = { close: () => {} };
    const group = await this.#during('use a group', options, (bounds) =>
      this.#cluster.group(service, name, bounds, () => void this.#groups.delete(held)),
    );
    // A reference has the rpcs of its service, one of which may be named `close`.
    held.close = () => group[Symbol.dispose]();
    if (this.#hasEnded) held.close();
    else this.#groups.add(held);
    return group;
  }

  async stopPlaced(ref: UntypedRef, drainMs: number | undefined): Promise<boolean> {
    return this.#hasPlaced && !this.#hasEnded && (await this.#cluster.stopOf(this.#owner, ref, drainMs));
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    for (const call of this.#calls) call.abort(this.#endedError('go on'));
    for (const group of this.#groups) group.close();
    if (this.#hasPlaced) this.#left();
  }

  /** What the incarnation before had placed may have the same names. */
  #place<S extends AnyService>(
    component: PlacedComponent<S>,
    args: readonly Uint8Array[],
    options: PlaceOptions,
  ): Promise<readonly ActorRef<S>[]> {
    if (options.parent !== undefined) {
      throw new ConfigError(
        `${this.#path} calls ctx.place with a parent: the actor itself is the parent. Leave it out.`,
      );
    }
    return this.#during('place an actor', options, async (bounds) => {
      await this.#before();
      this.#hasPlaced ||= options.detached !== true;
      return this.#cluster.place(this.#owner, component, args, bounds);
    });
  }

  /** Gives up a call when the incarnation ends. */
  async #during<Options extends { readonly signal?: AbortSignal | undefined }, Result>(
    what: string,
    options: Options,
    call: (options: Options) => Promise<Result>,
  ): Promise<Result> {
    this.#assertLives(what);
    const ending = new AbortController();
    const given = typeof options === 'object' ? options?.signal : undefined;
    const signal = given instanceof AbortSignal ? AbortSignal.any([given, ending.signal]) : ending.signal;
    this.#calls.add(ending);
    try {
      return await call(given === undefined || given instanceof AbortSignal ? { ...options, signal } : options);
    } catch (error) {
      if (ending.signal.aborted) throw this.#endedError(what);
      throw error;
    } finally {
      this.#calls.delete(ending);
    }
  }

  #assertLives(what: string): void {
    if (this.#hasEnded) throw this.#endedError(what);
  }

  #endedError(what: string): StoppedError {
    return new StoppedError(`${this.#path} cannot ${what}: it is stopping, or has stopped or restarted since`);
  }
}
