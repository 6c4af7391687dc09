import { Deferred } from '../../../deferred.js';
import {
  ConfigError,
  type MillraceError,
  ProtocolError,
  RefusedError,
  StoppedError,
  UnreachableError,
} from '../../../errors.js';
import { messageOf, namedMessageOf } from '../../../foreign.js';
import { globalServicesInputCUid } from '../../../ids/index.js';
import { limits } from '../../../limits.js';
import { v1 } from '../../../protocol/index.js';
import { pause } from '../../../scheduler/index.js';
import { retryAsk } from '../../control-plane/index.js';
import type { ActorRef } from '../../kernel/index.js';
import { withDeadline } from '../deadline.js';
import { NOT_SERVING } from '../global-services/take-over.js';
import type { Infrastructure } from '../infrastructure.js';

type Services = ActorRef<typeof v1.GlobalServices>;

/** Time in ms in which others must serve after global services have ended. */
const FOLLOWED_MS = 60_000;
/** Time in ms until what was refused or has failed is asked again. */
const AGAIN_MS = 500;

export interface ServicesPlaceOptions {
  readonly infrastructure: Infrastructure;
  /** Whether others follow global services that have ended: in a run with a cluster store. */
  readonly isFollowed: boolean;
  /** The nodes of the run at present. */
  readonly nodes: () => readonly v1.JoinedNode[];
  /** All nodes are to hear where global services are now. */
  readonly welcome: (place: v1.GlobalServicesPlace) => Promise<unknown>;
  /** They have ended, and nobody follows. */
  readonly lost: (failure: v1.PartFailed) => void;
}

/** Global services that serve. */
interface Here {
  readonly place: v1.GlobalServicesPlace;
  /** Called when they serve no longer. */
  readonly left: Set<() => void>;
}

/**
 * Where the global services of a run are, as its launcher knows:
 *
 *     here --they end--> lost, where none follow
 *       ^         \
 *       |          +---> awaited --nobody serves in time--> lost
 *       +---others serve----+
 */
export class ServicesPlace {
  readonly #options: ServicesPlaceOptions;
  #here: Here | undefined;
  /** Of the last global services that are known. */
  #epoch = -1n;
  /** Resolves when those that follow serve. */
  #awaited: Deferred<void> | undefined;
  #isClosed = false;

  constructor(options: ServicesPlaceOptions) {
    this.#options = options;
  }

  /** Undefined before the run is up, and while others are awaited. */
  get place(): v1.GlobalServicesPlace | undefined {
    return this.#here?.place;
  }

  get services(): Services | undefined {
    return this.#here && this.#reference(this.#here.place);
  }

  /** Those that the bring-up has started. Rejects where there are none, and where they do not take over what there is. */
  async up(place: v1.GlobalServicesPlace | undefined): Promise<void> {
    if (place === undefined) throw noServices(this.#options.isFollowed);
    if (place.epoch <= this.#epoch) return;
    this.#epoch = place.epoch;
    if (this.#options.isFollowed) await this.#takeOver(place);
    if (place.epoch === this.#epoch) this.#serve(place);
  }

  /** Global services have ended by themselves. */
  ended(failure: v1.PartFailed): void {
    if (failure.epoch < this.#epoch) return;
    const { isFollowed, infrastructure, lost } = this.#options;
    this.#leave();
    if (!isFollowed) return lost(failure);
    infrastructure.log.warn('global services have ended, and others are to follow', { cause: failure.cause });
    this.#await(failure);
  }

  /**
   * Others serve: they take over what the run has, and then all nodes hear where they are. Where that fails they are ordered again, with the nodes as
   * they are then, until others follow them or the time is over. Never rejects.
   */
  async follow(place: v1.GlobalServicesPlace): Promise<void> {
    if (this.#isClosed || place.epoch <= this.#epoch) return;
    const { infrastructure, welcome } = this.#options;
    this.#epoch = place.epoch;
    this.#leave();
    this.#await(v1.PartFailed.create({ part: 'global services', cause: 'those that follow have not taken over' }));
    const isAwaited = (): boolean => this.#awaited !== undefined && place.epoch === this.#epoch;
    while (isAwaited()) {
      try {
        await this.#takeOver(place);
        if (isAwaited()) await welcome(place);
        if (isAwaited()) this.#serve(place);
      } catch (error) {
        infrastructure.log.warn('global services could not take over', { error: namedMessageOf(error) });
        await pause(infrastructure.scheduler, AGAIN_MS);
      }
    }
  }

  /**
   * Asks global services, and asks again where they have not taken over yet, or end meanwhile: then those that follow. `ask` must bear to be done twice.
   * Rejects with StoppedError where the run has none.
   */
  async ask<T>(ask: (services: Services) => Promise<T>): Promise<T> {
    for (;;) {
      const here = await this.#found();
      const asked = this.#served(() => ask(this.#reference(here.place)));
      if (!this.#options.isFollowed) return asked;
      const answer = await this.#unlessLeft(here, asked);
      if (answer !== undefined) return answer.value;
    }
  }

  /** Where they are, when they serve. Rejects as `ask` does. */
  async found(): Promise<v1.GlobalServicesPlace> {
    return (await this.#found()).place;
  }

  /** The run goes down: nobody is awaited any more. */
  close(): void {
    this.#isClosed = true;
    this.#awaited?.reject(new StoppedError('The run is being torn down.'));
    this.#awaited = undefined;
  }

  async #found(): Promise<Here> {
    await this.#awaited?.promise;
    if (this.#here !== undefined) return this.#here;
    throw new StoppedError('The run has no global services: it comes up, or goes down.');
  }

  /** Asks again those that have not taken over yet. */
  async #served<T>(ask: () => Promise<T>): Promise<T> {
    const { scheduler } = this.#options.infrastructure;
    const deadlineMs = scheduler.now() + FOLLOWED_MS;
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        const isEarly = error instanceof RefusedError && error.reason === NOT_SERVING;
        if (!isEarly || this.#isClosed || scheduler.now() >= deadlineMs) throw error;
        await pause(scheduler, AGAIN_MS);
      }
    }
  }

  /** The answer; undefined when those that were asked serve no longer. Who is not reached has ended, which the launcher hears a moment later. */
  #unlessLeft<T>({ left }: Here, asked: Promise<T>): Promise<{ readonly value: T } | undefined> {
    const { scheduler } = this.#options.infrastructure;
    const end = new Deferred<undefined>();
    const leave = (): void => end.resolve(undefined);
    left.add(leave);
    const answer = asked
      .then((value) => ({ value }))
      .catch((error: unknown) => {
        if (!(error instanceof UnreachableError) || this.#isClosed) throw error;
        const what = 'Global services that are not reached have not ended';
        return withDeadline(scheduler, limits.controlPlaneTimeoutMs, what, end.promise).catch(() => {
          throw error;
        });
      });
    return Promise.race([answer, end.promise]).finally(() => left.delete(leave));
  }

  /** A node that does not answer keeps them from it for as long as any request of theirs takes. */
  async #takeOver(place: v1.GlobalServicesPlace): Promise<void> {
    const { infrastructure, nodes } = this.#options;
    const timeoutMs = 2 * limits.controlPlaneTimeoutMs;
    await retryAsk(infrastructure.scheduler, timeoutMs, () =>
      this.#reference(place).takeOver({ nodes: [...nodes()] }, { timeoutMs }),
    );
  }

  #await({ cause, ...failure }: v1.PartFailed): void {
    if (this.#awaited !== undefined || this.#isClosed) return;
    const { infrastructure, lost } = this.#options;
    const awaited = new Deferred<void>();
    this.#awaited = awaited;
    const what = `${cause}; no others have followed`;
    withDeadline(infrastructure.scheduler, FOLLOWED_MS, what, awaited.promise).catch((error: unknown) => {
      if (this.#awaited !== awaited) return;
      this.#awaited = undefined;
      awaited.reject(error);
      lost({ ...failure, cause: messageOf(error).replace(/\.$/, '') });
    });
  }

  #serve(place: v1.GlobalServicesPlace): void {
    this.#epoch = place.epoch;
    this.#here = { place, left: new Set() };
    this.#awaited?.resolve();
    this.#awaited = undefined;
  }

  #leave(): void {
    const left = this.#here?.left ?? [];
    this.#here = undefined;
    for (const leave of left) leave();
  }

  #reference({ address }: v1.GlobalServicesPlace): Services {
    return this.#options.infrastructure.reference(v1.GlobalServices, address, globalServicesInputCUid);
  }
}

/** With a store, those of all nodes stand by: others have been elected. */
function noServices(isFollowed: boolean): MillraceError {
  if (!isFollowed) return new ProtocolError('No node has said where global services are.');
  return new ConfigError(
    'No global services of this run were elected: another cluster has the control plane of the cluster store. Give each cluster a store of its own (clusterStore).',
  );
}
