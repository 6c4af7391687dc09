import {
  type ActorRef,
  type Behavior,
  type CallServices,
  References,
  type Route,
  routeKey,
  type UntypedRef,
} from '../../actors/kernel/index.js';
import type { AnyService } from '../../protocol/index.js';
import { ObservedActor } from './actor.js';
import { observedBehavior } from './behavior.js';
import { type Message, type Party } from './message.js';
import { Messages, type MessagesOptions } from './messages.js';
import { ObservedRoute } from './route.js';
import { Streams } from './streams.js';
import { Watches } from './watches.js';

export interface ObserverOptions extends MessagesOptions {
  readonly mayBeUnreachable: boolean;
  readonly services: CallServices;
}

/** Sees every message, stream and watch between observed actors, and checks the invariants. */
export class Observer {
  readonly messages: Messages;
  readonly streams: Streams;
  readonly watches: Watches;
  readonly #references: References;
  readonly #routes = new Map<Party, Map<Route, ObservedRoute>>();
  /** By channel id. */
  readonly #actors = new Map<bigint, ObservedActor>();
  readonly #record: (line: string) => void;
  readonly #waits = new Set<{ readonly owner: Party }>();
  #spawned = 0;

  constructor(options: ObserverOptions) {
    this.#record = options.record;
    this.#references = new References({ name: 'simulation' }, options.services);
    this.messages = new Messages(options);
    this.streams = new Streams(options);
    this.watches = new Watches({ ...options, actor: (cUid) => this.#actors.get(cUid) });
  }

  /** Starts an observed actor on `host` by `start`. Returns an observed reference for `owner`. */
  spawn<S extends AnyService>(
    host: Party,
    owner: Party,
    definition: Behavior<S, unknown, unknown>,
    start: (observed: Behavior<S, unknown, unknown>) => ActorRef<S>,
  ): ActorRef<S> {
    const actor = new ObservedActor(`${host.name}/${this.#spawned++}`, host);
    if (definition.overflow !== 'backpressure') {
      for (const method of definition.handlers.keys()) this.messages.tells.mayDrop(method);
    }
    const ref = start(observedBehavior(definition, actor, this));
    actor.spawned(ref);
    this.#actors.set(actor.cUid, actor);
    return this.reference(definition.service, ref, owner);
  }

  /** Returns an observed reference to the same actor for `owner`. */
  reference<S extends AnyService>(service: S, ref: UntypedRef, owner: Party): ActorRef<S> {
    return this.#references.create(service, this.#route(ref[routeKey], owner));
  }

  /** The observed actor with this channel id. */
  actor(cUid: bigint): ObservedActor | undefined {
    return this.#actors.get(cUid);
  }

  /** Returns the plain reference of an observed actor. */
  unobserved(ref: UntypedRef): UntypedRef {
    return this.#actors.get(ref.toRef().cUid)?.ref ?? ref;
  }

  /** One route per owner and inner route: watches are identified by it. */
  #route(inner: Route, owner: Party): ObservedRoute {
    if (inner instanceof ObservedRoute) return inner.owner === owner ? inner : this.#route(inner.inner, owner);
    const routes = this.#routes.get(owner) ?? new Map<Route, ObservedRoute>();
    this.#routes.set(owner, routes);
    const route = routes.get(inner) ?? new ObservedRoute(this, owner, inner);
    routes.set(inner, route);
    return route;
  }

  /** Passes `ready` on. It must settle, as an ask must. */
  waits(owner: Party, cUid: bigint, ready: Promise<void>): Promise<void> {
    const wait = { owner };
    const target = this.#actors.get(cUid)?.name ?? `actor ${cUid}`;
    this.#waits.add(wait);
    this.#record(`wait ${owner.name} for ${target}`);
    const settled = (): void => {
      this.#waits.delete(wait);
      this.#record(`ready ${owner.name} for ${target}`);
    };
    ready.then(settled, settled);
    return ready;
  }

  /** Checks the invariants at the end of a run. `isReliable`: no frame was lost but with its link. */
  async check(isReliable: boolean): Promise<void> {
    await this.watches.check();
    const lasting = new Set<bigint>();
    for (const actor of this.#actors.values()) {
      if (actor.endedMs === undefined && (await actor.isOpen())) lasting.add(actor.cUid);
    }
    this.streams.check((cUid) => lasting.has(cUid));
    if (isReliable) this.messages.checkTells(this.#missing(lasting), (cUid) => this.#actors.get(cUid));
  }

  /** Accepted tells that were neither handled nor reported. */
  get missing(): readonly Message[] {
    return this.#missing(new Set());
  }

  /** The number of pending asks, stream reads and calls of `ready`. */
  get waiting(): number {
    const waits = [...this.#waits].filter(({ owner }) => owner.endedMs === undefined);
    return this.messages.unsettled.length + this.streams.unsettled.length + waits.length;
  }

  #missing(lasting: ReadonlySet<bigint>): readonly Message[] {
    return this.messages.missing((cUid) => this.#actors.get(cUid), lasting);
  }
}
