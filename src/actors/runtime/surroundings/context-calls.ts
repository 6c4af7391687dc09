import { MillraceError, ProtocolError } from '../../../errors.js';
import { ownerOrdinal } from '../../../ids/index.js';
import { namedMessageOf } from '../../../foreign.js';
import { limits } from '../../../limits.js';
import type { Logger } from '../../../logging/index.js';
import { Ref, v1 } from '../../../protocol/index.js';
import { fromWire, toWire } from '../../../protocol/errors/index.js';
import { RecentMap } from '../../../recent-map.js';
import type { Scheduler } from '../../../scheduler/index.js';
import {
  type ActorSystem,
  answeredError,
  assertOfThisProcess,
  type Behavior,
  behavior,
  type Context,
  deadlineOf,
  later,
  type UntypedRef,
} from '../../kernel/index.js';
import type { Groups } from '../groups/index.js';
import type { Cluster, Owner } from './actor-surroundings.js';
import { GroupFollows } from './group-follows.js';
import { placeOptionsOf, placedComponentOf, serviceNamed } from './place-wire.js';

/** The cluster, with what its contexts elsewhere need besides. */
export interface PlacingCluster extends Cluster {
  /** Of an actor that the owner has placed. */
  spawnerOf(owner: Owner, ref: UntypedRef): Ref | undefined;
  /** Stops an actor that this process has placed, whoever its owner is. */
  stopPlaced(ref: UntypedRef): Promise<boolean>;
}

export interface ContextCallsOptions {
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly cluster: PlacingCluster;
  readonly groups: Pick<Groups, 'follow'>;
  /** Of the partitions of this process. */
  readonly ordinals: () => readonly number[];
}

/** A request to place actors. */
interface Request {
  readonly given: AbortController;
  readonly placed: Promise<v1.OwnedActorsPlacedInit>;
}

/** The behavior of the actor that makes the calls of contexts of other partitions of this process. */
export function contextCalls(options: ContextCallsOptions): Behavior<typeof v1.ContextCalls, undefined> {
  const { system, scheduler, cluster, log } = options;
  const follows = new GroupFollows(options);
  const requests = new RecentMap<string, Request>(limits.placedRequests);
  const ownerOf = (owner: v1.ActorOwner | undefined, context: Context): Owner => {
    if (owner?.actor === undefined) throw new ProtocolError('A call of a context must say which actor makes it.');
    const ordinal = ownerOrdinal(owner.actor.cUid);
    if (ordinal === undefined || !options.ordinals().includes(ordinal)) {
      throw new ProtocolError('A call of a context must come from an actor of this process.');
    }
    assertOfThisProcess(context, CALL, { ordinal });
    return { self: system.reference(serviceNamed(owner.actor.service), owner.actor), key: owner.key };
  };

  const begin = (request: v1.OwnedActorsToPlace, owner: Owner): Request => {
    const given = new AbortController();
    const place = async (): Promise<v1.OwnedActorsPlacedInit> => {
      const refs = await cluster.place(owner, placedComponentOf(request), request.args, {
        ...placeOptionsOf(request),
        signal: given.signal,
      });
      return { actors: refs.map((ref) => ref.toRef()) };
    };
    return { given, placed: place().catch(refusal) };
  };

  return behavior(v1.ContextCalls, {
    supervision: 'resume',
    place: (_state, request, context) => {
      const owner = ownerOf(request.owner, context);
      const key = keyOf(request);
      const known = requests.get(key) ?? begin(request, owner);
      requests.set(key, known);
      return later(known.placed);
    },
    giveUp: (_state, request, context) => {
      ownerOf(request.owner, context);
      const key = keyOf(request);
      const known = requests.get(key);
      known?.given.abort(new ProtocolError('The context has given up the request.'));
      if (known !== undefined) stopAll(known);
      // The request may still arrive.
      if (known === undefined) requests.set(key, { given: new AbortController(), placed: Promise.resolve(GIVEN_UP) });
      return {};
    },
    findSpawner: (_state, { owner, actor }, context) => ({
      spawner: cluster.spawnerOf(ownerOf(owner, context), actorOf(actor)),
    }),
    stop: (_state, { owner, actor, drainMs }, context) => {
      const by = ownerOf(owner, context);
      const stop = async (): Promise<v1.OwnedActorStoppedInit> => {
        return { isOwned: await cluster.stopOf(by, actorOf(actor), drainMs) };
      };
      return later(stop().catch(refusal));
    },
    end: (_state, owner, context) => later(cluster.ended(ownerOf(owner, context)).then(() => ({}))),
    lookup: (_state, { name, service }, context) => {
      assertOfThisProcess(context, CALL);
      return later(lookedUp(name, service, context).catch(refusal));
    },
    follow: (_state, { name, nonce }, context) => {
      assertOfThisProcess(context, CALL);
      return later(follows.members(name, nonce, context.signal).catch(refusal));
    },
    on: { stopping: () => follows.close() },
  });

  function actorOf(actor: Ref | undefined): UntypedRef {
    if (actor === undefined) throw new ProtocolError('A request about a placed actor must name it.');
    return system.reference(serviceNamed(actor.service), actor);
  }

  /** The answer to a request that is given up may be on its way: nobody gets to know these actors. */
  function stopAll({ placed }: Request): void {
    const stop = async (): Promise<void> => {
      const { actors = [] } = await placed;
      await Promise.all(actors.map((actor) => cluster.stopPlaced(actorOf(Ref.create(actor)))));
    };
    stop().catch((error: unknown) =>
      log.debug('an actor that was placed for nobody is not known to have stopped', { error: namedMessageOf(error) }),
    );
  }

  async function lookedUp(name: string, service: string, context: Context): Promise<v1.ActorLookedUpInit> {
    const timeoutMs = Math.max(1, deadlineOf(context) - scheduler.now());
    const ref = await cluster.lookup(serviceNamed(service), name, { timeoutMs, signal: context.signal });
    return { actor: ref.toRef() };
  }
}

/** How the error of one begins that another process has sent. */
const CALL = 'A call of a context';

const GIVEN_UP = { refused: v1.PlaceFailure.create(toWire(new ProtocolError('The request was given up.'))) };

function refusal(error: unknown): { readonly refused: v1.PlaceFailure } {
  const refused = toWire(error instanceof MillraceError ? error : answeredError(error));
  return { refused: v1.PlaceFailure.create(refused) };
}

/** Throws the error of an answer. */
export function assertNotRefused({ refused }: { readonly refused?: v1.PlaceFailure | undefined }): void {
  if (refused !== undefined) throw fromWire(refused);
}

function keyOf({ owner, id }: Pick<v1.OwnedRequest, 'owner' | 'id'>): string {
  return `${owner?.key}/${id}`;
}

/** For callers of `Ref.create`, whose argument is optional in messages. */
export function refOf(ref: Ref | undefined, what: string): Ref {
  if (ref === undefined) throw new ProtocolError(`The answer about ${what} names no actor.`);
  return Ref.create(ref);
}
