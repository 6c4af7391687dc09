import {
  type ActorRef,
  type Behavior,
  References,
  type Route,
  routeKey,
  type UntypedRef,
} from '../../actors/kernel/index.js';
import type { AnyService } from '../../protocol/index.js';
import { ObservedActor } from './actor.js';
import { observedBehavior } from './behavior.js';
import { Messages, type MessagesOptions, type Party } from './messages.js';
import { ObservedRoute } from './route.js';
import { Streams } from './streams.js';
import { Watches } from './watches.js';

export interface ObserverOptions extends MessagesOptions {
  readonly mayBeUnreachable: boolean;
}

/** Sees every message between observed actors, and every watch, and holds them to what the runtime promises. */
export class Observer {
  readonly messages: Messages;
  readonly streams: Streams;
  readonly watches: Watches;
  readonly #references = new References({ name: 'simulation' });
  readonly #routes = new Map<Party, Map<Route, ObservedRoute>>();
  /** By channel id. Those of a cluster whose control plane was lost are given again. */
  readonly #actors = new Map<bigint, ObservedActor>();
  #spawned = 0;

  constructor(options: ObserverOptions) {
    this.messages = new Messages(options);
    this.streams = new Streams(options);
    this.watches = new Watches({ ...options, actor: (cUid) => this.#actors.get(cUid) });
  }

  /** Starts an actor on a host, by `start`, whose behavior is observed; the reference is `owner`'s. */
  spawn<S extends AnyService, T>(
    host: Party,
    owner: Party,
    definition: Behavior<S, T>,
    start: (observed: Behavior<S, T>) => ActorRef<S>,
  ): ActorRef<S> {
    const actor = new ObservedActor(`${host.name}/${this.#spawned++}`, host);
    const ref = start(observedBehavior(definition, actor, this));
    actor.born(ref);
    this.#actors.set(actor.cUid, actor);
    return this.reference(definition.service, ref, owner);
  }

  /** The same actor, by a reference of `owner` that is observed. */
  reference<S extends AnyService>(service: S, ref: UntypedRef, owner: Party): ActorRef<S> {
    return this.#references.create(service, this.#route(ref[routeKey], owner));
  }

  /** The reference that is not observed, of an actor that is. */
  unobserved(ref: UntypedRef): UntypedRef {
    return this.#actors.get(ref.toRef().cUid)?.ref ?? ref;
  }

  /** One for each owner and way: whom an actor watches is told apart by it. */
  #route(inner: Route, owner: Party): ObservedRoute {
    if (inner instanceof ObservedRoute) return inner.owner === owner ? inner : this.#route(inner.inner, owner);
    const routes = this.#routes.get(owner) ?? new Map<Route, ObservedRoute>();
    this.#routes.set(owner, routes);
    const route = routes.get(inner) ?? new ObservedRoute(this, owner, inner);
    routes.set(inner, route);
    return route;
  }

  /** At the end of a run. `isLossless`: in which nothing may be lost. */
  async check(isLossless: boolean): Promise<void> {
    await this.watches.check();
    const lasting = new Set<bigint>();
    for (const actor of this.#actors.values()) {
      if (!actor.isGone && (await actor.isOpen())) lasting.add(actor.cUid);
    }
    this.streams.check((cUid) => lasting.has(cUid));
    if (isLossless) this.messages.checkLost((cUid) => lasting.has(cUid));
  }

  /** Asks and readers of streams that wait for an answer. */
  get waiting(): number {
    return this.messages.unsettled.length + this.streams.unsettled.length;
  }
}
