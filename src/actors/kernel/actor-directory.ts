import { ConfigError, ProtocolError } from '../../errors.js';
import { ownerOrdinal } from '../../ids/index.js';
import { limits } from '../../limits.js';
import { type AnyService, Ref, type RefInit } from '../../protocol/index.js';
import { RecentMap } from '../../recent-map.js';
import type { ActorNode } from './actor-node.js';
import type { AskMeter } from './ask-meter.js';
import type { ChainMember } from './call-chain.js';
import type { DescribedActor } from './actor-path.js';
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

/** Makes the route to an actor of another partition. `name` is that by which the actor was looked up. */
export type RemoteRoutes = (ref: Ref, name?: string) => Route;

/** An actor as a member of the directory. */
type Member = ActorNode & ChainMember;

/** Finds the actor, here or elsewhere, that a wire record means. An actor gets a channel id when its first record is made. */
export class ActorDirectory {
  readonly incarnation: bigint;
  /** The errors that ended actors. */
  readonly causes = new EndCauses();
  /** Paths of actors of other partitions by their channel ids, `system/parent/child`, for errors and dead letters. */
  readonly known = new RecentMap<bigint, string>(limits.knownActors);
  /** Of actors of this partition that have ended. */
  readonly #ended = new RecentMap<bigint, string>(limits.knownActors);
  /** What references have said of actors of other partitions. */
  readonly #described = new RecentMap<bigint, DescribedActor>(limits.knownActors);
  readonly #services: DirectoryServices;
  /** Actors that have a channel id. */
  readonly #addressed = new Map<bigint, ActorNode>();
  #remoteRoutes: RemoteRoutes;

  constructor(services: DirectoryServices) {
    this.#services = services;
    this.incarnation = services.incarnation;
    this.#remoteRoutes = (ref) => this.closedRoute(ref, 'unreachable');
  }

  /** Sets the routes of references to actors of other partitions. Before that, those actors are unreachable. */
  setRemoteRoutes(provider: RemoteRoutes): void {
    this.#remoteRoutes = provider;
  }

  /** The actor of this partition that has this channel id. */
  at(cUid: bigint): ActorNode | undefined {
    return this.#addressed.get(cUid);
  }

  /**
   * A typed reference from a wire record. Throws ProtocolError when there is none, when it is empty, and when it names another service; it may
   * name none. `name` is that by which the actor was looked up, for errors.
   */
  reference<S extends AnyService>(service: S, init: RefInit | undefined, name?: string): ActorRef<S> {
    const ref = givenReference(service, init);
    if (ref.service !== service.typeName && ref.service !== '') {
      throw new ProtocolError(`a reference to ${ref.service} was used as a reference to ${service.typeName}`);
    }
    const { references } = this.#services;
    const actor = this.#isOfThisProcess(ref) ? this.#addressed.get(ref.cUid) : undefined;
    if (actor === undefined) {
      if (name !== undefined || !this.#described.has(ref.cUid))
        this.#described.set(ref.cUid, { cUid: ref.cUid, service: service.typeName, name });
      return references.create(service, this.#remoteRoutes({ ...ref, service: service.typeName }, name));
    }
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
    return new ClosedRoute(ref, reason, { deadLetters, asks, paths: this }, cause);
  }

  /**
   * Registers a channel id, by default the next free one; that of an actor that has ended leads to nothing. Throws ConfigError, which
   * names both, when another actor has it.
   */
  address(actor: Member, cUid: bigint = this.#services.cUids()): bigint {
    const holder = this.#addressed.get(cUid);
    if (holder !== undefined) {
      throw new ConfigError(`The channel id ${cUid} of ${actor.path} is taken by ${holder.path}: both lead there.`);
    }
    if (actor.phase === 'stopped') this.causes.addressed(actor, cUid);
    else this.#addressed.set(cUid, actor);
    return cUid;
  }

  /** The actor has ended: its channel id leads to nothing. */
  ended({ takenCUid, path }: Pick<Member, 'takenCUid' | 'path'>): void {
    if (takenCUid === undefined) return;
    this.#addressed.delete(takenCUid);
    this.#ended.set(takenCUid, path);
  }

  /** The path of an actor that is or was here, or of one of another partition; undefined where it is not known. */
  pathOf(cUid: bigint): string | undefined {
    return this.#addressed.get(cUid)?.path ?? this.#ended.get(cUid) ?? this.known.get(cUid);
  }

  /** What is known of an actor of any partition, for people: its path, its registered name, or what it is and where. */
  nameOf(cUid: bigint): string {
    const path = this.pathOf(cUid);
    if (path !== undefined) return path;
    const { name, service = '' } = this.#described.get(cUid) ?? {};
    const what = service === '' ? 'an actor' : `an actor of ${service}`;
    return `${name === undefined ? what : `${JSON.stringify(name)} (${service})`} in partition ${ownerOrdinal(cUid) ?? 'unknown'}`;
  }

  /** A reference without an incarnation may belong to this process. */
  #isOfThisProcess({ incarnation }: Ref): boolean {
    return incarnation === 0n || incarnation === this.incarnation;
  }
}

/** The record of a reference from a message. Throws ProtocolError where the message has none, or an empty one. */
export function givenReference(service: AnyService, init: RefInit | undefined): Ref {
  const ref = init && Ref.create(init);
  if (ref !== undefined && ref.cUid !== 0n) return ref;
  const what = ref === undefined ? 'is missing: its field is not set' : 'is empty: it names no actor';
  throw new ProtocolError(
    `the reference to an actor of ${service.typeName} ${what}. Its sender has to set it, with ref.toRef() of an actor`,
  );
}
