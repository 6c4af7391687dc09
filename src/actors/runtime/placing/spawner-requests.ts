import { type AskTimeoutError, type MillraceError, UnreachableError } from '../../../errors.js';
import { namedMessageOf } from '../../../foreign.js';
import { limits } from '../../../limits.js';
import { type Ref, v1 } from '../../../protocol/index.js';
import { isLate, retryAsk } from '../../control-plane/index.js';
import { type ActorRef, type ActorSystem, type AskOptions, assertSentBy, behavior } from '../../kernel/index.js';
import { fromWire } from '../../../protocol/errors/index.js';
import type { PlaceDeadline } from './place-deadline.js';
import type { PlaceCandidate } from './where.js';
import { Withdrawals, type WithdrawalsOptions } from './withdrawals.js';

export interface SpawnerRequestsOptions extends WithdrawalsOptions {
  readonly system: ActorSystem;
  /** A partition stops in order, with what is placed there. `assertFrom` throws where its spawner has not said so. */
  readonly leaving: (ordinal: number, assertFrom: (spawner: Ref) => void) => void;
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
  readonly #withdrawals: Withdrawals;
  #placer: Ref | undefined;
  #ids = 0;

  constructor(options: SpawnerRequestsOptions) {
    this.#options = options;
    this.#withdrawals = new Withdrawals(options);
  }

  /** Spawns the actor that spawners watch. */
  start(): void {
    const { system, leaving } = this.#options;
    const placer = behavior(v1.Placer, {
      supervision: 'resume',
      leaving: (_state, { ordinal }, context) => {
        leaving(ordinal, (spawner) => assertSentBy(context, spawner, 'The farewell of a partition'));
        return {};
      },
    });
    this.#placer = system.spawn(placer, { name: 'placer' }).toRef();
  }

  /**
   * Rejects with the error of the spawner, or that of the link to it; nothing of the actor is left then. At the deadline it rejects with
   * AskTimeoutError: a spawner that does not answer must not hold up the caller. The request is withdrawn in the background, until that is
   * answered or the link to the spawner has ended.
   */
  async place(wanted: Wanted, place: PlaceCandidate, deadline: PlaceDeadline): Promise<PlacedAt> {
    const signal = deadline.over;
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
      throw isLate(error) ? late(place, deadline, error) : error;
    }
    const { actor, path, refused } = answer;
    if (refused !== undefined) throw fromWire(refused);
    if (actor === undefined) throw new UnreachableError(`The spawner of partition ${place.ordinal} named no actor.`);
    return { id, place, actor, path };
  }

  /**
   * Resolves when the actor has stopped, or to the error for which that is not known. After AskTimeoutError the withdrawal goes on. After any
   * other error the spawner stops the actor when it notices the end of this process, or of the link to it.
   */
  withdraw(
    { place, id }: Pick<PlacedAt, 'place' | 'id'>,
    timeoutMs: number = limits.controlPlaneTimeoutMs,
  ): Promise<Error | undefined> {
    const send = (ask: AskOptions) => this.#spawner(place).withdraw({ placer: this.#placer, id }, ask);
    const { ordinal, spawnerHost } = place;
    const host = spawnerHost && this.#options.system.reference(v1.SpawnerHost, spawnerHost);
    const alarm = (ask: AskOptions) => host?.withdraw({ ordinal, placer: this.#placer, id }, ask);
    return this.#withdrawals.withdraw({ ordinal, id, send, alarm }, timeoutMs);
  }

  /**
   * Resolves when the actor has handled what it had accepted, and has stopped; or when that takes too long, or is not known. It is withdrawn
   * afterwards in any case. What this partition has sent to it before is among what it has accepted: requests to a spawner overtake that, so
   * the drain begins when a fence has arrived.
   */
  async drain({ place, id }: Pick<PlacedAt, 'place' | 'id'>, drainMs: number): Promise<void> {
    const { scheduler, log } = this.#options;
    const spawner = this.#spawner(place);
    const untilMs = scheduler.now() + drainMs;
    try {
      await retryAsk(scheduler, drainMs, (ask) => spawner.fence({}, ask));
      const timeoutMs = Math.max(0, untilMs - scheduler.now());
      await retryAsk(scheduler, timeoutMs, (ask) => spawner.drain({ placer: this.#placer, id, timeoutMs }, ask));
    } catch (error) {
      log.debug('a placed actor is not known to have done its work', { id, error: namedMessageOf(error) });
    }
  }

  /** Resolves when all withdrawals that are under way have ended, at the latest after `timeoutMs`. */
  settled(timeoutMs: number): Promise<void> {
    return this.#withdrawals.settled(timeoutMs);
  }

  /** Nothing is withdrawn any more. */
  end(): void {
    this.#withdrawals.end();
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

function late({ ordinal, node }: PlaceCandidate, deadline: PlaceDeadline, cause: MillraceError): AskTimeoutError {
  const why = `partition ${ordinal} of node "${node}" had not answered by then. The request is withdrawn: that partition stops the actor as soon as it answers, or its link to this process ends.`;
  return deadline.error(why, cause);
}
