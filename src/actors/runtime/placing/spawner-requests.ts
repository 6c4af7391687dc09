import { AskTimeoutError, UnreachableError } from '../../../errors.js';
import { errorOf, namedMessageOf } from '../../../foreign.js';
import { limits } from '../../../limits.js';
import type { Logger } from '../../../logging/index.js';
import { type Ref, v1 } from '../../../protocol/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
import { retryAsk } from '../../control-plane/index.js';
import { type ActorRef, type ActorSystem, behavior } from '../../kernel/index.js';
import { fromWire } from '../../transport/index.js';
import type { PlaceDeadline } from './place-deadline.js';
import type { PlaceCandidate } from './where.js';

export interface SpawnerRequestsOptions {
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** A partition stops in order, with what is placed there. */
  readonly leaving: (ordinal: number) => void;
  /** An actor in a partition was told to stop; a partition of this process that hangs until long after that is ended. */
  readonly stopping: (ordinal: number, id: number) => void;
  /** The actor has stopped. */
  readonly gone: (id: number) => void;
}

/** An actor to place. */
export type Wanted = Omit<v1.ActorToPlaceInit, 'placer' | 'id'>;

/** A placed actor. */
export interface PlacedAt {
  readonly id: number;
  readonly place: PlaceCandidate;
  readonly actor: Ref;
  /** `system/name`, in its partition. */
  readonly path: string;
}

/** Sends the requests of this process to spawners, each until it is answered, and spawns the actor that spawners watch. */
export class SpawnerRequests {
  readonly #options: SpawnerRequestsOptions;
  #placer: Ref | undefined;
  #ids = 0;

  constructor(options: SpawnerRequestsOptions) {
    this.#options = options;
  }

  /** Spawns the actor that spawners watch. */
  start(): void {
    const { system, leaving } = this.#options;
    const placer = behavior(v1.Placer, {
      supervision: 'resume',
      leaving: (_state, { ordinal }) => {
        leaving(ordinal);
        return {};
      },
    });
    this.#placer = system.spawn(placer, { name: 'placer' }).toRef();
  }

  /**
   * Rejects with the error of the spawner, or that of the link to it; nothing of the actor is left then. At the deadline it rejects with
   * AskTimeoutError, and the request is withdrawn in the background: a spawner that does not answer must not hold up the caller.
   */
  async place(wanted: Wanted, place: PlaceCandidate, deadline: PlaceDeadline, signal: AbortSignal): Promise<PlacedAt> {
    const id = ++this.#ids;
    const request = { ...wanted, placer: this.#placer, id };
    let answer: v1.ActorPlaced;
    try {
      signal.throwIfAborted();
      const { scheduler } = this.#options;
      const { remainingMs } = deadline;
      answer = await retryAsk(scheduler, remainingMs, (ask) => this.#spawner(place).place(request, { ...ask, signal }));
      signal.throwIfAborted();
    } catch (error) {
      if (signal.aborted) {
        await this.withdraw({ place, id }, limits.stopTimeoutMs);
        throw signal.reason;
      }
      await deadline.settled(this.withdraw({ place, id }));
      throw error instanceof AskTimeoutError ? late(place, deadline, error) : error;
    }
    const { actor, path, refused } = answer;
    if (refused !== undefined) throw fromWire(refused);
    if (actor === undefined) throw new UnreachableError(`The spawner of partition ${place.ordinal} named no actor.`);
    return { id, place, actor, path };
  }

  /**
   * Resolves when the actor has stopped, or to the error for which that is not known. A spawner that cannot be reached stops the actor when it
   * notices the end of this process, or of the link to it.
   */
  async withdraw(
    { place, id }: Pick<PlacedAt, 'place' | 'id'>,
    timeoutMs: number = limits.controlPlaneTimeoutMs,
  ): Promise<Error | undefined> {
    const { scheduler, log, stopping, gone } = this.#options;
    const request = { placer: this.#placer, id };
    stopping(place.ordinal, id);
    try {
      await retryAsk(scheduler, timeoutMs, (ask) => this.#spawner(place).withdraw(request, ask));
      gone(id);
      return undefined;
    } catch (error) {
      // Only one that does not answer may hang.
      if (!(error instanceof AskTimeoutError)) gone(id);
      log.debug('a placed actor was not withdrawn', { partition: place.ordinal, id, error: namedMessageOf(error) });
      return errorOf(error);
    }
  }

  /** The actor gives up a name. Resolves when no process sends to it by that name any more. */
  async unregister({ place, id }: Pick<PlacedAt, 'place' | 'id'>, name: string): Promise<void> {
    const request = { placer: this.#placer, id, name };
    const { scheduler } = this.#options;
    await retryAsk(scheduler, limits.controlPlaneTimeoutMs, (ask) => this.#spawner(place).unregister(request, ask));
  }

  #spawner({ spawner }: PlaceCandidate): ActorRef<typeof v1.Spawner> {
    return this.#options.system.reference(v1.Spawner, spawner);
  }
}

function late({ ordinal, node }: PlaceCandidate, deadline: PlaceDeadline, cause: AskTimeoutError): AskTimeoutError {
  const why = `partition ${ordinal} of node "${node}" had not answered by then. The request was withdrawn: the actor does not run there.`;
  return deadline.error(why, cause);
}
