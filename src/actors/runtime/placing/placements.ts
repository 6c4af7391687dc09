import { CapacityError, HandlerError, type MillraceError, StoppedError, UnreachableError } from '../../../errors.js';
import { errorOf, namedMessageOf } from '../../../foreign.js';
import { limits } from '../../../limits.js';
import type { Logger } from '../../../logging/index.js';
import type { AnyService, Ref } from '../../../protocol/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
import {
  type ActorRef,
  type ActorSystem,
  type Failure,
  Pauses,
  type PlaceOptions,
  routeKey,
  type Subscribable,
  type TerminationReason,
  Topic,
  type UntypedRef,
  type Watcher,
} from '../../kernel/index.js';
import { isLate } from '../../control-plane/index.js';
import { candidatesAgain, indexesOf } from './again.js';
import { LostActors } from './lost-actors.js';
import { PlaceDeadline } from './place-deadline.js';
import { type Order, type Placed, type PlacedComponent, wantedOf } from './order.js';
import { Orders } from './orders.js';
import { type PlacedAt, SpawnerRequests, type SpawnerRequestsOptions } from './spawner-requests.js';
import { candidatesBy, inTurn, type PlaceCandidate, type Whereabouts } from './where.js';

export interface PlacementsOptions extends Whereabouts {
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** A partition on this event loop, which publishes the failures of its actors itself. */
  readonly isHere: (ordinal: number) => boolean;
  readonly stopping: SpawnerRequestsOptions['stopping'];
  readonly gone: SpawnerRequestsOptions['gone'];
}

const BACKOFF = { minMs: 100, maxMs: 5_000 };

/**
 * The actors that this process has placed, here and elsewhere. It is their parent: when it ends, their spawners stop them, unless they are
 * detached; it publishes their failures, and places them again when their partition ends and their component says so.
 */
export class Placements {
  readonly #options: PlacementsOptions;
  readonly #requests: SpawnerRequests;
  readonly #failures: Topic<Failure>;
  /** What `health()` says of actors that were lost. */
  readonly lost = new LostActors();
  readonly #orders = new Orders();
  /** Partitions that stop in order. */
  readonly #leaving = new Set<number>();
  readonly #closing = new AbortController();
  /** Actors that are being placed. */
  readonly #pending = new Set<Promise<unknown>>();
  /** Before lost actors are placed again. */
  readonly #pauses: Pauses;
  #turn = 0;
  #calls = 0;
  #closed: Promise<void> | undefined;

  constructor(options: PlacementsOptions) {
    this.#options = options;
    const { log, scheduler } = options;
    this.#pauses = new Pauses(scheduler);
    this.#failures = new Topic(log);
    this.#requests = new SpawnerRequests({ ...options, leaving: (ordinal, from) => this.#leaves(ordinal, from) });
  }

  /** Failures of actors in partitions that are not on this event loop, and actors that were lost with their partition. */
  get failures(): Subscribable<Failure> {
    return this.#failures;
  }

  /** Calls of `place` that have not settled. */
  get calls(): number {
    return this.#calls;
  }

  /** This process has joined its control plane. */
  start(): void {
    this.#requests.start();
  }

  /**
   * One actor for each instance, with its arguments. When one cannot be placed, this rejects with its error, and none is left. It never takes longer than `timeoutMs`:
   * at that deadline it rejects with AskTimeoutError, and what was started is stopped in the background. `owner` is the incarnation of an actor
   * that places them by its context.
   */
  async place<S extends AnyService>(
    component: PlacedComponent<S>,
    args: readonly Uint8Array[],
    options: PlaceOptions,
    owner?: string,
  ): Promise<readonly ActorRef<S>[]> {
    this.#calls++;
    try {
      return await this.#placeAll(component, args, options, owner);
    } finally {
      this.#calls--;
    }
  }

  async #placeAll<S extends AnyService>(
    component: PlacedComponent<S>,
    args: readonly Uint8Array[],
    options: PlaceOptions,
    owner: string | undefined,
  ): Promise<readonly ActorRef<S>[]> {
    const { spread = 'partitions' } = options;
    const deadline = this.#deadline(component, options, options.signal);
    const indexes = indexesOf(options.on, this.#options.own());
    const candidates = await candidatesBy(deadline, options.on, this.#options);
    deadline.assertNotAborted();
    const ways = inTurn(candidates, args.length, this.#turn, spread);
    this.#turn += args.length;
    const outcomes = await Promise.allSettled(
      args.map(async (own, instance) => {
        const way = ways[instance] ?? [];
        const wanted = wantedOf(component, own, options, instance);
        const begun = { home: undefined, current: undefined, keys: [], isOver: false };
        const order: Order = { component, wanted, options, owner, indexes, ...begun };
        return this.#options.system.reference(component.service, await this.#place(order, way, deadline));
      }),
    );
    const refs = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed === undefined) return refs;
    await deadline.settled(Promise.allSettled(refs.map((ref) => this.stop(ref))));
    deadline.assertNotAborted();
    throw failed.reason;
  }

  /**
   * Stops an actor that this process has placed, also where it was placed again since; resolves when it has stopped, also when it had before.
   * Resolves to false for any other. Rejects with AskTimeoutError when its partition does not answer: the actor is stopped in the background then, and who calls this
   * again waits for that again. With `drainMs` it takes nothing new, and may first handle what it has accepted.
   */
  async stop(ref: UntypedRef, drainMs?: number): Promise<boolean> {
    const order = this.#orders.of(ref);
    if (order === undefined) return this.#orders.hasEnded(ref);
    await this.#stop(order, drainMs);
    return true;
  }

  /** As `stop`, of an actor that `owner` has placed; resolves to false for any other. */
  async stopOf(owner: string, ref: UntypedRef, drainMs?: number): Promise<boolean> {
    return this.#orders.isOf(owner, ref) && (await this.stop(ref, drainMs));
  }

  /** The spawner of an actor that `owner` has placed. Undefined for any other, and for one that has ended. */
  spawnerOf(owner: string, ref: UntypedRef): Ref | undefined {
    return this.#orders.isOf(owner, ref) ? this.#orders.of(ref)?.current?.place.spawner : undefined;
  }

  /** The owner has ended: stops what it has placed. Resolves when that has stopped, or is stopped in the background. */
  async ownerEnded(owner: string): Promise<void> {
    await Promise.allSettled(this.#orders.ownerEnded(owner).map((order) => this.#stop(order)));
  }

  async #stop(order: Order, drainMs?: number): Promise<void> {
    order.isOver = true;
    const { current } = order;
    if (drainMs !== undefined && current !== undefined) await this.#requests.drain(current, drainMs);
    const error = current && (await this.#requests.withdraw(current));
    if (isLate(error)) throw error;
    this.#finish(order);
  }

  /** An actor that this process has placed gives up a name. Resolves to false for any other actor, and for a name that it was not placed with. */
  async unregister(name: string, ref: UntypedRef): Promise<boolean> {
    const order = this.#orders.of(ref);
    if (order === undefined) return false;
    const { register, group } = order.wanted;
    if (name !== register && name !== group) return false;
    order.wanted = name === group ? { ...order.wanted, group: '' } : { ...order.wanted, register: '' };
    if (order.current !== undefined) await this.#requests.unregister(order.current, name);
    return true;
  }

  /** Stops what is placed, but for what is detached. Nothing is placed any more. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** The process has crashed: nothing is placed, withdrawn or watched any more. */
  abandon(error: MillraceError): void {
    this.#giveUp(error);
    this.#requests.end();
  }

  async #close(): Promise<void> {
    const toStop = this.#orders.all().filter(({ options, isOver }) => isOver || !options.detached);
    const running = toStop.flatMap(({ current }) => current ?? []);
    this.#giveUp(new StoppedError('The runtime that places this actor is stopping.'));
    // A partition that does not answer must not hold up the end of this process.
    const withdrawn = running.map((placed) => this.#requests.withdraw(placed, limits.stopTimeoutMs));
    await Promise.all([this.#requests.settled(limits.stopTimeoutMs), ...withdrawn, ...this.#pending]);
    this.#requests.end();
  }

  #giveUp(error: MillraceError): void {
    this.#closing.abort(error);
    for (const order of this.#orders.all()) this.#finish(order);
    this.#pauses.end();
  }

  // ---- placing

  #deadline({ name }: PlacedComponent, options: PlaceOptions, signal?: AbortSignal): PlaceDeadline {
    const { timeoutMs = limits.placeTimeoutMs } = options;
    return new PlaceDeadline(this.#options.scheduler, name, timeoutMs, this.#closing.signal, signal);
  }

  /** Tries one candidate after the other, while they are full or have ended. */
  async #place(order: Order, way: readonly PlaceCandidate[], deadline: PlaceDeadline): Promise<PlacedAt['actor']> {
    let full: CapacityError | undefined;
    let ended: UnreachableError | undefined;
    for (const place of way) {
      try {
        const placed = await this.#pend(this.#requests.place(order.wanted, place, deadline));
        if (this.#orders.isUnwanted(order)) await this.#requests.withdraw(placed);
        else this.#follow(order, placed);
        return placed.actor;
      } catch (error) {
        if (error instanceof CapacityError) full = error;
        else if (error instanceof UnreachableError && order.home === undefined) ended = error;
        else throw error;
      }
    }
    if (ended !== undefined && full === undefined) throw ended;
    if (full !== undefined && way.length === 1) throw full;
    throw new CapacityError(
      `Component "${order.component.name}" has no place: each of ${way.length} partitions is full. ${full?.message ?? ''}`,
    );
  }

  async #pend<T>(work: Promise<T>): Promise<T> {
    const settled = Promise.allSettled([work]);
    this.#pending.add(settled);
    try {
      return await work;
    } finally {
      this.#pending.delete(settled);
    }
  }

  #follow(order: Order, placedAt: PlacedAt): void {
    const ref = this.#options.system.reference(order.component.service, placedAt.actor);
    this.#options.system.knows(placedAt.actor.cUid, placedAt.path);
    const { parent } = order.options;
    const ofParent: Watcher = { terminated: () => void this.stop(ref).catch(() => {}) };
    const watcher: Watcher = { terminated: (_route, reason, cause) => this.#hasEnded(order, placed, reason, cause) };
    const release = (): void => {
      ref[routeKey].unwatch(watcher);
      parent?.[routeKey].unwatch(ofParent);
    };
    const placed: Placed = { ...placedAt, ref, release };
    order.current = placed;
    order.home ??= this.#options.own().find(({ ordinal }) => ordinal === placedAt.place.ordinal)?.index;
    this.lost.settled(order);
    this.#orders.placed(order, ref);
    ref[routeKey].watch(watcher);
    parent?.[routeKey].watch(ofParent);
  }

  /** Only partitions that are used are remembered. */
  #leaves(ordinal: number, assertFrom: (spawner: Ref) => void): void {
    const place = this.#orders.all().find(({ current }) => current?.place.ordinal === ordinal)?.current?.place;
    if (place === undefined) return;
    assertFrom(place.spawner);
    this.#leaving.add(ordinal);
  }

  // ---- the end of an actor

  /** The actor is not to run any more. */
  #finish(order: Order): void {
    order.isOver = true;
    order.current?.release();
    order.current = undefined;
    this.lost.settled(order);
    this.#orders.finished(order);
  }

  #hasEnded(order: Order, placed: Placed, reason: TerminationReason, cause: Error | undefined): void {
    const { place, path, release } = placed;
    if (order.current !== placed) return;
    // It was told to stop, and has ended.
    if (order.isOver) {
      this.#finish(order);
      return;
    }
    release();
    order.current = undefined;
    const isLost = reason === 'unreachable' || (reason === 'stopped' && this.#leaving.has(place.ordinal));
    if (!isLost || order.component.onFailure !== 'restart') this.#finish(order);
    if (reason === 'stopped' && !isLost) return;
    if (reason === 'failed') {
      const error = cause ?? new HandlerError('It failed, and its error is not known any more.');
      if (!this.#options.isHere(place.ordinal)) this.#publish(path, error);
      return;
    }
    const error = new UnreachableError(
      `The placed actor ${path} is lost: partition ${place.ordinal} has ended, or the link to it was cut.`,
    );
    if (order.isOver) {
      this.#publish(path, error, order);
      return;
    }
    this.lost.awaited(order, path);
    this.#options.log.warn('a placed actor is lost, and is placed again', { actor: path });
    void this.#placeAgain(order, path, error);
  }

  /** Until it is placed, or `placeAgainMs` have passed. Its partition may be started again meanwhile, or its process retired. */
  async #placeAgain(order: Order, path: string, lost: UnreachableError): Promise<void> {
    const { scheduler, log } = this.#options;
    const lostAtMs = scheduler.now();
    const untilMs = lostAtMs + limits.placeAgainMs;
    for (let delayMs = BACKOFF.minMs; !order.isOver; delayMs = Math.min(2 * delayMs, BACKOFF.maxMs)) {
      try {
        const deadline = this.#deadline(order.component, order.options);
        const { remainingMs } = deadline;
        const way = await candidatesAgain(order, this.#options, remainingMs, scheduler.now() - lostAtMs, this.#turn++);
        await this.#place(order, way, deadline);
        // Somebody has stopped it meanwhile.
        if (order.isOver) return;
        log.info('a placed actor was placed again', { component: order.component.name, before: path });
        return;
      } catch (error) {
        if (order.isOver) return;
        log.debug('a placed actor is not placed again yet', { actor: path, error: namedMessageOf(error) });
        if (scheduler.now() + delayMs > untilMs) {
          this.#finish(order);
          const cause = errorOf(error);
          const message = `${lost.message} It could not be placed again.`;
          this.#publish(path, new UnreachableError(message, { cause }), order);
          return;
        }
      }
      await this.#pauses.pause(delayMs);
    }
  }

  /** `lost`: the actor is lost, and is not placed again. */
  #publish(path: string, error: Error, lost?: Order): void {
    if (lost !== undefined) this.lost.givenUp(lost, path, error);
    this.#options.log.error('a placed actor has failed', { actor: path, error });
    this.#failures.publish({ path, error });
  }
}
