import type { AnyService, MessageType, ServiceRefInit } from '../../protocol/index.js';
import type { ActorRef, GroupOptions, GroupRef, LookupOptions, UntypedRef } from '../kernel/index.js';
import type { ClusterNames } from './cluster-names.js';
import type { GroupListener } from './groups/index.js';
import type { NameListener } from './name-watches.js';
import type { RegisterOptions } from './registered-names.js';
import type { Topic } from './topics/index.js';

/** The calls of a runtime that concern actors by their names and references in the cluster. */
export class NamedCalls {
  readonly #names: () => ClusterNames;

  constructor(names: () => ClusterNames) {
    this.#names = names;
  }

  /**
   * Resolves when an actor that was spawned with `register: true` has its name. Rejects with ConfigError when another actor has it; that is also
   * logged, and one of the `problems` of `health()`.
   */
  whenRegistered(ref: UntypedRef): Promise<void> {
    return this.#names().whenRegistered(ref);
  }

  /**
   * Registers an actor under a name that every process of the cluster can look up, until the actor ends. Rejects with ConfigError when
   * another actor has the name. With `{ standby: true }` the actor gets the name when the other one has ended. With `{ group: true }` any
   * number of actors may have the name: see `group`.
   */
  register(name: string, ref: UntypedRef, options: RegisterOptions = {}): Promise<void> {
    return this.#names().register(name, ref, options);
  }

  /**
   * The actor, of this process or placed by it, gives up a name. Of a group, it resolves when no process sends to the actor as a member any more.
   * Rejects with ConfigError for a name that this process has not given it.
   */
  unregister(name: string, ref: UntypedRef): Promise<void> {
    return this.#names().unregister(name, ref);
  }

  /** The actor with a registered name, anywhere in the cluster. Waits until it is registered; rejects with AskTimeoutError at the deadline, 5 s by default. */
  lookup<S extends AnyService>(service: S, name: string, options: LookupOptions = {}): Promise<ActorRef<S>> {
    return this.#names().lookup(service, name, options);
  }

  /**
   * All actors that are registered in a group, anywhere in the cluster, as one reference; `policy` says which of them gets a message.
   *
   *     const pool = await runtime.group(Resizer, 'resizers', { policy: 'least-loaded' });
   */
  group<S extends AnyService>(service: S, name: string, options: GroupOptions<S> = {}): Promise<GroupRef<S>> {
    return this.#names().group(service, name, options);
  }

  /**
   * Messages of one type from any process of the cluster to all that subscribe to this name and type. Resolves when the present subscribers are known.
   *
   *     const trades = await runtime.topic(Trade, 'trades');
   *     trades.publish({ symbol: 'ACME', price: 12.5 });
   */
  topic<Message, Init>(type: MessageType<Message, Init>, name: string): Promise<Topic<Message, Init>> {
    return this.#names().topic(type, name);
  }

  /**
   * Calls `listener` with the actor that has a name, now and after each change; with `undefined` when none has it. Resolves after the first call
   * to a function that ends this.
   *
   *     const unwatch = await runtime.watchName(Bank, 'bank', (bank) => console.log(bank === undefined ? 'closed' : 'open'));
   */
  watchName<S extends AnyService>(service: S, name: string, listener: NameListener<S>): Promise<() => void> {
    return this.#names().watchName(service, name, listener);
  }

  /** As `watchName`, with the members of a group that can be reached. */
  watchGroup<S extends AnyService>(service: S, name: string, listener: GroupListener<S>): Promise<() => void> {
    return this.#names().watchGroup(service, name, listener);
  }

  /**
   * The typed reference for one that a message carries, outside of actors; a handler uses `ctx.ref`. Throws ProtocolError when the
   * message has none, or one that names another service.
   */
  ref<S extends AnyService>(service: S, ref: ServiceRefInit<S> | undefined): ActorRef<S> {
    return this.#names().ref(service, ref);
  }
}
