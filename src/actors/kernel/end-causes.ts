import { limits } from '../../limits.js';
import { RecentMap } from '../../recent-map.js';
import type { ChainMember } from './call-chain.js';

/**
 * The errors that ended actors, for those that watch them afterwards: by actor, for references within the partition, and by channel id, for
 * those of other partitions and in messages. Of the latter the oldest are forgotten.
 */
export class EndCauses {
  readonly #byActor = new WeakMap<object, Error>();
  readonly #byCUid = new RecentMap<bigint, Error>(limits.endedActors);

  ended(actor: Pick<ChainMember, 'takenCUid'>, cause: Error): void {
    this.#byActor.set(actor, cause);
    if (actor.takenCUid !== undefined) this.addressed(actor, actor.takenCUid);
  }

  /** An actor, which may have ended by a failure, has this channel id. */
  addressed(actor: object, cUid: bigint): void {
    const cause = this.#byActor.get(actor);
    if (cause !== undefined) this.#byCUid.set(cUid, cause);
  }

  of(actor: object): Error | undefined {
    return this.#byActor.get(actor);
  }

  at(cUid: bigint): Error | undefined {
    return this.#byCUid.get(cUid);
  }
}
