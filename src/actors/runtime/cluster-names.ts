import { namedMessageOf } from '../../foreign.js';
import type { Logger } from '../../logging/index.js';
import type { AnyService, MessageType, Ref, ServiceRefInit } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { ControlPlaneClient } from '../control-plane/index.js';
import {
  type ActorRef,
  type ActorSystem,
  type GroupOptions,
  type GroupRef,
  type LookupOptions,
  routeKey,
  type UntypedRef,
} from '../kernel/index.js';
import { bounded } from './bounded-call.js';
import * as given from './given-arguments.js';
import { type GroupListener, Groups } from './groups/index.js';
import { LivingHolder } from './living-holder.js';
import { type NameListener, NameWatches } from './name-watches.js';
import type { Placements } from './placing/index.js';
import { RegisteredNames, type RegisterOptions } from './registered-names.js';
import { checkTopic, type Topic, Topics } from './topics/index.js';

export interface ClusterNamesOptions {
  readonly client: () => ControlPlaneClient;
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly ordinals: () => readonly number[];
  /** The process of this actor has ended, as this one has found out. */
  readonly hasEnded: (ref: Ref) => Promise<boolean>;
  readonly placements: () => Pick<Placements, 'unregister'>;
}

/** Everything that one process does with the names of the cluster: checks what its users give, and ends with it. */
export class ClusterNames {
  readonly groups: Groups;
  /** The names of actors of this process. */
  readonly registered: RegisteredNames;
  readonly #watches: NameWatches;
  readonly #topics: Topics;
  readonly #options: ClusterNamesOptions;

  constructor(options: ClusterNamesOptions) {
    this.#options = options;
    this.groups = new Groups(options);
    this.registered = new RegisteredNames(options.client, options.scheduler, options.log);
    this.#watches = new NameWatches(options);
    this.#topics = new Topics({ ...options, groups: this.groups, names: this.registered });
  }

  async register(name: string, ref: UntypedRef, options: RegisterOptions): Promise<void> {
    given.checkRegistration(name, ref, options);
    const { scheduler, log } = this.#options;
    const undo = (): void => {
      this.registered.unregister(name, ref).catch((error: unknown) => {
        log.debug('a name that was registered too late was not unregistered', { name, error: namedMessageOf(error) });
      });
    };
    const start = (): Promise<void> => this.registered.register(name, ref, options);
    return bounded(`The registration of "${name}"`, options, scheduler, start, undo);
  }

  async unregister(name: string, ref: UntypedRef): Promise<void> {
    given.checkRegistration(name, ref);
    if (await this.#options.placements().unregister(name, ref)) return;
    if (!this.registered.has(name, ref)) {
      // With its end, an actor gives up its names.
      if (ref[routeKey].room === 'closed') return this.registered.left(name);
      throw given.notRegistered(name, ref);
    }
    return this.registered.unregister(name, ref);
  }

  async whenRegistered(ref: UntypedRef): Promise<void> {
    given.checkReference('runtime.whenRegistered(ref)', ref);
    const registered = this.registered.announced(ref);
    if (registered === undefined) throw given.notAnnounced(ref);
    return registered;
  }

  async lookup<S extends AnyService>(
    service: S,
    name: string,
    options: LookupOptions,
    call = 'runtime.lookup',
  ): Promise<ActorRef<S>> {
    given.checkLookup(call, service, name, options);
    const { client, system, scheduler, hasEnded } = this.#options;
    const { timeoutMs = 5_000, signal } = options;
    const holder = new LivingHolder(client(), scheduler, hasEnded);
    const start = (): Promise<Ref> => holder.lookup(name, service.typeName, timeoutMs, signal);
    const ref = await bounded(`The lookup of "${name}"`, { signal }, scheduler, start);
    return system.reference(service, ref, name);
  }

  ref<S extends AnyService>(service: S, ref: ServiceRefInit<S> | undefined): ActorRef<S> {
    given.checkRef(service, ref);
    return this.#options.system.reference(service, ref);
  }

  /** `closed` is called when the reference is closed. */
  async group<S extends AnyService>(
    service: S,
    name: string,
    options: GroupOptions<S>,
    call = 'runtime.group',
    closed?: () => void,
  ): Promise<GroupRef<S>> {
    given.checkGroup(call, service, name, options);
    const { policy = 'round-robin', timeoutMs } = options;
    const start = (): Promise<GroupRef<S>> => this.groups.use(service, name, policy, closed, timeoutMs);
    return bounded(`The search for the members of group "${name}"`, options, this.#options.scheduler, start, (group) =>
      group[Symbol.dispose](),
    );
  }

  async topic<Message, Init>(type: MessageType<Message, Init>, name: string): Promise<Topic<Message, Init>> {
    checkTopic(type, name);
    return this.#topics.use(type, name);
  }

  async watchName<S extends AnyService>(service: S, name: string, listener: NameListener<S>): Promise<() => void> {
    given.checkWatch('runtime.watchName', service, name, listener);
    return this.#watches.watch(service, name, listener);
  }

  async watchGroup<S extends AnyService>(service: S, name: string, listener: GroupListener<S>): Promise<() => void> {
    given.checkWatch('runtime.watchGroup', service, name, listener);
    return this.groups.watch(service, name, listener);
  }

  /** Nothing is followed or asked for any more. */
  close(): void {
    this.registered.end();
    this.#topics.close();
    this.#watches.close();
    this.groups.close();
  }
}
