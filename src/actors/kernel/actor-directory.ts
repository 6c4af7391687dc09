import { ConfigError, ProtocolError } from '../../errors.js';
import { type AnyService, Ref, type RefInit } from '../../protocol/index.js';
import type { ActorNode } from './actor-node.js';
import type { AskMeter } from './ask-meter.js';
import type { ChainMember } from './call-chain.js';
import { type ClosedReason, ClosedRoute } from './closed-route.js';
import type { DeadLetterOffice } from './dead-letters.js';
import { EndCauses } from './end-causes.js';
import type { ActorRef } from './reference.js';
import type { References } from './references.js';
import type { Route } from './route.js';

/** What the directory needs of its system. */
export interface DirectoryServices {
  /** Incarnation of this process; 0n: unknown. */
  readonly incarnation: bigint;
  /** Returns the next free channel id. */
  readonly cUids: () => bigint;
  readonly references: References;
  readonly deadLetters: DeadLetterOffice;
  readonly asks: AskMeter;
}

/** An actor as a member of the directory. */
type Member = ActorNode & ChainMember;

/** Finds the actor, here or elsewhere, that a wire record means. An actor gets a channel id when its first record is made. */
export class ActorDirectory {
  readonly incarnation: bigint;
  /** The errors that ended actors. */
  readonly causes = new EndCauses();
  readonly #services: DirectoryServices;
  /** Actors that have a channel id. */
  readonly #addressed = new Map<bigint, ActorNode>();
  #remoteRoutes: (ref: Ref) => Route;

  constructor(services: DirectoryServices) {
    this.#services = services;
    this.incarnation = services.incarnation;
    this.#remoteRoutes = (ref) => this.closedRoute(ref, 'unreachable');
  }

  /** Sets the routes of references to actors of other partitions. Before that, those actors are unreachable. */
  setRemoteRoutes(provider: (ref: Ref) => Route): void {
    this.#remoteRoutes = provider;
  }

  /** The actor of this partition that has this channel id. */
  at(cUid: bigint): ActorNode | undefined {
    return this.#addressed.get(cUid);
  }

  /** A typed reference from a wire record. Throws ProtocolError when the record names another service; it may name none. */
  reference<S extends AnyService>(service: S, init: RefInit): ActorRef<S> {
    const ref = Ref.create(init);
    if (ref.service !== service.typeName && ref.service !== '') {
      throw new ProtocolError(`a reference to ${ref.service} was used as a reference to ${service.typeName}`);
    }
    const { references } = this.#services;
    const actor = this.#isOfThisProcess(ref) ? this.#addressed.get(ref.cUid) : undefined;
    if (actor === undefined) return references.create(service, this.#remoteRoutes(ref));
    if (actor.service.typeName !== service.typeName) {
      throw new ProtocolError(
        `${actor.path} implements ${actor.service.typeName}, not ${service.typeName} as its reference states`,
      );
    }
    return references.create(service, actor);
  }

  /** The route to an actor that is known to have ended. */
  closedRoute(ref: Ref, reason: ClosedReason): Route {
    const { deadLetters, asks } = this.#services;
    const cause = reason === 'stopped' ? this.causes.at(ref.cUid) : undefined;
    return new ClosedRoute(ref, reason, deadLetters, asks, cause);
  }

  /**
   * Registers a channel id, by default the next free one; that of an actor that has ended leads to nothing. Throws ConfigError when another
   * actor has it.
   */
  address(actor: Member, cUid: bigint = this.#services.cUids()): bigint {
    if (this.#addressed.has(cUid)) throw new ConfigError(`channel id ${cUid.toString(16)} is taken by another actor`);
    if (actor.phase === 'stopped') this.causes.addressed(actor, cUid);
    else this.#addressed.set(cUid, actor);
    return cUid;
  }

  /** The actor has ended: its channel id leads to nothing. */
  ended({ takenCUid }: ChainMember): void {
    if (takenCUid !== undefined) this.#addressed.delete(takenCUid);
  }

  /** A reference without an incarnation may belong to this process. */
  #isOfThisProcess({ incarnation }: Ref): boolean {
    return incarnation === 0n || incarnation === this.incarnation;
  }
}
