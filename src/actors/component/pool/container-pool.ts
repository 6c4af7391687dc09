import { Deferred } from '../../../deferred.js';
import { AskTimeoutError, StoppedError } from '../../../errors.js';
import type { UntypedRef } from '../../kernel/index.js';
import { Containers, type ContainersOptions } from './containers.js';
import { enter, type PlacedContainer, type PooledContainer } from './pooled-container.js';
import { isGone, type Replacement, Successors } from './successors.js';
import { type PoolRequest, WaitingRequests } from './waiting-requests.js';

export interface ContainerPoolOptions extends ContainersOptions {
  /** Requests that may wait. */
  readonly queue: number;
}

/** The answer to a request: a container, or why there is none. */
export type Acquired = { readonly container: PlacedContainer } | { readonly refused: string };

/** What has happened in a pool. `arrived`: a request waits. `overdue`: one has waited for as long as it may. */
export type PoolEvent = 'arrived' | 'overdue' | 'leased' | 'released' | 'started' | 'start-failed' | 'ended';

/** The numbers of a pool at one moment. */
export interface PoolCounts {
  /** Those that it has or starts, without those that end. */
  readonly containers: number;
  readonly starting: number;
  readonly idle: number;
  /** Those that handle a request, or are asked whether they have handled one. */
  readonly busy: number;
  /** Those that handle their last request. */
  readonly retiring: number;
  readonly waiting: number;
  readonly oldestWaitMs: number;
  /** Requests since its start, those that wait included. */
  readonly arrived: number;
  /** Measured times in ms of a start and of a request; 0 before the first. */
  readonly startMs: number;
  readonly serviceMs: number;
}

/** The containers of one component in one process: lends each to one request at a time. It does not decide how many there should be. */
export class ContainerPool {
  readonly #options: ContainerPoolOptions;
  readonly #containers: Containers;
  /** By the key of the request. */
  readonly #leased = new Map<string, PooledContainer>();
  readonly #waiting: WaitingRequests<Acquired>;
  readonly #listeners = new Set<(event: PoolEvent) => void>();
  #isClosing = false;
  /** While containers are replaced, requests wait. */
  #isHeld = false;
  /** While containers are replaced: told of each container that ends. */
  #successorEnded: (ref: UntypedRef) => void = () => {};
  /** Called when a container is free or gone, and when the pool closes, while requests are held. */
  #settled: () => void = () => {};
  #handled = 0;
  #arrived = 0;
  #serviceMs = 0;

  constructor(options: ContainerPoolOptions) {
    this.#options = options;
    this.#waiting = new WaitingRequests({ scheduler: options.scheduler, overdue: () => this.#overdue() });
    this.#containers = new Containers(options, {
      free: () => {
        this.#dispatch();
        this.#settled();
      },
      gone: (container) => this.#takeBack(container),
      changed: (kind) => {
        this.#refuseHopeless();
        this.#emit(kind);
        this.#settled();
      },
    });
  }

  get name(): string {
    return this.#options.name;
  }

  /** Containers that it should have. */
  get target(): number {
    return this.#containers.target;
  }

  /** Of the partitions that have its containers: one for each of these. */
  get ordinals(): readonly number[] {
    return this.#containers.live.flatMap(({ placed }) => placed?.ordinal ?? []);
  }

  /** Requests that have got a container since its start. */
  get handled(): number {
    return this.#handled;
  }

  /** Of the last start, where that has failed, and no container has handled a request since. */
  get lastError(): Error | undefined {
    return this.#containers.lastError;
  }

  /** Time in ms until the next container may be started, after a start that has failed; 0: now. */
  get startPauseMs(): number {
    return this.#containers.startPauseMs;
  }

  counts(): PoolCounts {
    const nowMs = this.#options.scheduler.now();
    const counts = { containers: 0, starting: 0, idle: 0, busy: 0, retiring: 0 };
    let runningMs = 0;
    for (const { state, isRetiring, sinceMs } of this.#containers.all) {
      if (state === 'busy') runningMs = Math.max(runningMs, nowMs - sinceMs);
      if (isRetiring) {
        counts.retiring++;
        continue;
      }
      counts.containers++;
      counts[state === 'checking' ? 'busy' : state]++;
    }
    const { size: waiting, oldestMs: oldestWaitMs } = this.#waiting;
    // Before any request has ended, those that run are all that is known.
    const [arrived, serviceMs] = [this.#arrived, this.#serviceMs === 0 ? runningMs : this.#serviceMs];
    return { ...counts, waiting, oldestWaitMs, arrived, startMs: this.#containers.startMs, serviceMs };
  }

  /** Calls `listener` after each event; returns a function that ends that. It must not throw. */
  onEvent(listener: (event: PoolEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Starts containers, or retires the emptiest: one that has a request is stopped when it has answered. */
  setTarget(count: number): void {
    if (this.#isClosing || count === this.target) return;
    this.#containers.setTarget(count);
    this.#refuseHopeless();
  }

  /** Resolves when there is a container for the request, or when there will be none in time. */
  acquire(request: PoolRequest): Promise<Acquired> {
    if (this.#isClosing) return Promise.resolve({ refused: 'it is closing' });
    if (this.#leased.has(request.key) || this.#waiting.has(request.key)) {
      return Promise.resolve({ refused: 'its number is that of another request' });
    }
    this.#arrived++;
    const idle = this.#waiting.size === 0 ? this.#idle() : undefined;
    if (idle !== undefined) return Promise.resolve(this.#lease(idle, request, request.waitedMs));
    const { size } = this.#waiting;
    if (size >= this.#options.queue) {
      return Promise.resolve(this.#refused(`${size} requests wait already, the most that its queue holds`));
    }
    const answer = this.#waiting.wait(request, () => this.#refused('none was free by the deadline'));
    this.#emit('arrived');
    return answer;
  }

  /** The request has ended. Where `hasAnswered` is false, its container may still handle it, and is asked. */
  release(key: string, hasAnswered: boolean): void {
    if (this.#waiting.answer(key, { refused: 'the request was withdrawn' })) return;
    const container = this.#leased.get(key);
    if (container === undefined) return;
    const { untilMs = 0 } = container.lease ?? {};
    this.#takeBack(container);
    if (hasAnswered) {
      const tookMs = this.#options.scheduler.now() - container.sinceMs;
      this.#serviceMs = this.#serviceMs === 0 ? tookMs : 0.9 * this.#serviceMs + 0.1 * tookMs;
      this.#options.observe({ ...this.#event(), kind: 'answered', tookMs });
      this.#containers.released(container);
    } else void this.#containers.check(container, leftOf(untilMs, this.#options.scheduler.now()));
    this.#emit('released');
  }

  /** A container has ended, or the link to it was lost. */
  ended(ref: UntypedRef): void {
    this.#containers.ended(ref);
    this.#successorEnded(ref);
  }

  /** Partitions that do not answer now: their containers are used last. */
  setSilent(ordinals: ReadonlySet<number>): void {
    for (const container of this.#containers.all) {
      container.isSilent = container.placed !== undefined && ordinals.has(container.placed.ordinal);
    }
  }

  /** Containers whose request must have ended by now are asked whether it has: its caller may not have said so. */
  sweep(): void {
    const nowMs = this.#options.scheduler.now();
    const over = [...this.#containers.all]
      .flatMap(({ lease }) => lease ?? [])
      .filter(({ untilMs }) => untilMs <= nowMs);
    for (const { key } of over) this.release(key, false);
  }

  /**
   * Replaces all containers at once. The new ones start first. Then requests wait until the old ones have answered theirs and have given their state away. Rejects, and
   * keeps the old ones, where one of the new ones does not start, a state is not exported or imported, or the old ones have not answered in `drainMs`. The state of an old
   * one that ends before it has given it away is lost: as many new ones begin without it.
   */
  async replace<State>(replacement: Replacement<State>): Promise<void> {
    const { name, scheduler, log } = this.#options;
    const assertOpen = (): void => this.#assertOpen();
    const successors = new Successors({ replacement, name, scheduler, log, assertOpen });
    this.#successorEnded = (ref) => successors.ended(ref);
    try {
      // One at least: what cannot start replaces nothing.
      await successors.start(Math.max(1, this.#containers.live.length));
      await this.#hold(replacement.drainMs);
      await successors.start(this.#containers.live.length);
      await successors.inherit(await this.#exported(replacement));
      this.#assertOpen();
      this.#containers.exchange(replacement.host, successors.take(this.target));
    } finally {
      this.#successorEnded = () => {};
      this.#isHeld = false;
      this.#containers.resume();
      this.#dispatch();
      this.#refuseHopeless();
      await successors.stop();
    }
  }

  /** Refuses those who wait, and who come; starts nothing. What has a container goes on. */
  drain(): void {
    this.#isClosing = true;
    this.#containers.end();
    this.#settled();
    for (const { request } of this.#waiting.all()) this.#waiting.answer(request.key, { refused: 'it is closing' });
  }

  /** Stops all containers: those that have a request when that has ended, at the latest after `drainMs`. Idempotent. */
  close(drainMs: number): Promise<void> {
    this.drain();
    return this.#containers.close(drainMs);
  }

  /** The states of those that have one and do not end meanwhile. */
  async #exported<State>({ exportState }: Replacement<State>): Promise<readonly State[]> {
    const states: State[] = [];
    for (const from of this.#containers.live.flatMap(({ placed }) => placed ?? [])) {
      try {
        const state = await exportState(from);
        if (state !== undefined) states.push(state);
      } catch (error) {
        if (!isGone(error)) throw error;
        this.#containers.ended(from.ref);
      }
    }
    return states;
  }

  #assertOpen(): void {
    if (this.#isClosing) throw new StoppedError(`The containers of "${this.name}" are closing.`);
  }

  /** From now on requests wait. Resolves when no container has one or starts. */
  async #hold(drainMs: number): Promise<void> {
    const { scheduler } = this.#options;
    const settled = new Deferred<void>();
    this.#isHeld = true;
    this.#containers.hold();
    this.#settled = () => {
      if (this.#isClosing) settled.reject(new StoppedError(`The containers of "${this.name}" are closing.`));
      else if (this.#containers.live.every(({ state }) => state === 'idle')) settled.resolve();
    };
    const late = scheduler.setTimer(drainMs, () =>
      settled.reject(
        new AskTimeoutError(`A container of "${this.name}" has not answered its request in ${drainMs} ms.`),
      ),
    );
    this.#settled();
    try {
      await settled.promise;
    } finally {
      scheduler.clearTimer(late);
      this.#settled = () => {};
    }
  }

  #idle(): PooledContainer | undefined {
    if (this.#isHeld) return undefined;
    let silent: PooledContainer | undefined;
    for (const container of this.#containers.all) {
      if (container.state !== 'idle' || container.isRetiring) continue;
      if (!container.isSilent) return container;
      silent = container;
    }
    return silent;
  }

  #event(): { readonly component: string; readonly atMs: number } {
    return { component: this.name, atMs: this.#options.scheduler.now() };
  }

  #refused(why: string): { readonly refused: string } {
    this.#options.observe({ ...this.#event(), kind: 'refused', why });
    return { refused: why };
  }

  #lease(container: PooledContainer, { key, leaseMs }: PoolRequest, waitedMs: number): Acquired {
    const { placed } = container;
    if (placed === undefined) return { refused: 'its container has not been placed' };
    const nowMs = this.#options.scheduler.now();
    enter(container, 'busy', nowMs);
    container.lease = { key, untilMs: nowMs + leaseMs };
    this.#leased.set(key, container);
    container.handled++;
    this.#handled++;
    this.#options.observe({ ...this.#event(), kind: 'leased', waitedMs });
    this.#emit('leased');
    return { container: placed };
  }

  #takeBack(container: PooledContainer): void {
    if (container.lease !== undefined) this.#leased.delete(container.lease.key);
    container.lease = undefined;
  }

  #dispatch(): void {
    while (this.#waiting.size > 0) {
      const idle = this.#idle();
      const next = idle === undefined ? undefined : this.#waiting.take();
      if (idle === undefined || next === undefined) return;
      next.answer(this.#lease(idle, next.request, this.#options.scheduler.now() - next.sinceMs));
    }
  }

  #overdue(): void {
    this.#emit('overdue');
    this.#refuseHopeless();
  }

  /** A container that starts counts for the oldest requests. Those that are overdue and have none to hope for are refused. */
  #refuseHopeless(): void {
    if (this.#waiting.size === 0 || this.#isHeld) return;
    let { starting } = this.counts();
    for (const { request, isOverdue, sinceMs } of this.#waiting.all()) {
      if (starting > 0) starting--;
      else if (isOverdue) {
        const waitedMs = Math.round(this.#options.scheduler.now() - sinceMs);
        this.#waiting.answer(request.key, this.#refused(`none was free after ${waitedMs} ms, and none starts`));
      }
    }
  }

  #emit(event: PoolEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

/** A stream, which states no time, ends as soon as its reader leaves. */
function leftOf(untilMs: number, nowMs: number): number {
  return untilMs === Number.POSITIVE_INFINITY ? 0 : Math.max(0, untilMs - nowMs);
}
