import type { Logger } from '../../logging/index.js';
import type { AnyService, MessageType, Ref, ServiceRefInit } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { ControlPlaneClient } from '../control-plane/index.js';
import type { ActorRef, ActorSystem, UntypedRef } from '../kernel/index.js';
import * as given from './given-arguments.js';
import { type GroupListener, type GroupPolicy, type GroupRef, Groups } from './groups/index.js';
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
  readonly hasEnded: (ref: Ref) => boolean;
  readonly placements: () => Pick<Placements, 'unregister'>;
}

export interface LookupOptions {
  readonly timeoutMs?: number;
}

export interface GroupOptions<S extends AnyService> {
  readonly policy?: GroupPolicy<S>;
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
    this.registered = new RegisteredNames(options.client, options.log);
    this.#watches = new NameWatches(options);
    this.#topics = new Topics({ ...options, groups: this.groups, names: this.registered });
  }

  async register(name: string, ref: UntypedRef, options: RegisterOptions): Promise<void> {
    given.checkRegistration(name, ref, options);
    return this.registered.register(name, ref, options);
  }

  async unregister(name: string, ref: UntypedRef): Promise<void> {
    given.checkRegistration(name, ref);
    if (await this.#options.placements().unregister(name, ref)) return;
    return this.registered.unregister(name, ref);
  }

  async whenRegistered(ref: UntypedRef): Promise<void> {
    given.checkReference('runtime.whenRegistered(ref)', ref);
    const registered = this.registered.announced(ref);
    if (registered === undefined) throw given.notAnnounced(ref);
    return registered;
  }

  async lookup<S extends AnyService>(service: S, name: string, options: LookupOptions): Promise<ActorRef<S>> {
    given.checkLookup(service, name, options);
    const { client, system, hasEnded } = this.#options;
    const ref = await new LivingHolder(client(), this.#options.scheduler, hasEnded).lookup(
      name,
      service.typeName,
      options.timeoutMs ?? 5_000,
    );
    return system.reference(service, ref);
  }

  ref<S extends AnyService>(service: S, ref: ServiceRefInit<S>): ActorRef<S> {
    given.checkRef(service, ref);
    return this.#options.system.reference(service, ref);
  }

  async group<S extends AnyService>(service: S, name: string, options: GroupOptions<S>): Promise<GroupRef<S>> {
    given.checkGroup(service, name, options);
    return this.groups.use(service, name, options.policy ?? 'round-robin');
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

  /** Nothing is followed any more. */
  close(): void {
    this.#topics.close();
    this.#watches.close();
    this.groups.close();
  }
}
