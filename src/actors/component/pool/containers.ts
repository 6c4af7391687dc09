import { Deferred } from '../../../deferred.js';
import { AskTimeoutError, StoppedError, UnreachableError } from '../../../errors.js';
import { errorOf, namedMessageOf } from '../../../foreign.js';
import type { Logger } from '../../../logging/index.js';
import type { Scheduler, Timer } from '../../../scheduler/index.js';
import type { UntypedRef } from '../../kernel/index.js';
import type { ComponentObserver, ContainerView, LifeCycle } from '../plugins/index.js';
import { emptiestFirst, enter, newContainer, type PlacedContainer, type PooledContainer } from './pooled-container.js';
import { EARLY_END_MS, StartBackOff } from './start-back-off.js';

/** Starts, asks and stops the containers of one pool. */
export interface ContainerHost {
  /** Resolves when the container has started its component; rejects when `signal` is aborted before, and leaves nothing. */
  place(signal?: AbortSignal): Promise<PlacedContainer>;
  /** Resolves when it has handled all that was sent to it before. Rejects with AskTimeoutError when it has not after `timeoutMs`. */
  probe(container: PlacedContainer, timeoutMs: number): Promise<unknown>;
  /** Resolves when it has stopped. One that blocks its thread or process is ended with that. */
  stop(container: PlacedContainer): Promise<void>;
}

export interface ContainersOptions {
  /** Name of the component, for logs and errors. */
  readonly name: string;
  readonly host: ContainerHost;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** Time in ms after which a container that does not answer is replaced. */
  readonly wedgedMs: number;
  /** Requests after which a container is replaced. */
  readonly recycleAfter: number;
  readonly lifeCycle: LifeCycle;
  /** Does not throw. */
  readonly observe: ComponentObserver;
}

export interface ContainerEvents {
  /** It has no request, and is not retiring. */
  free(container: PooledContainer): void;
  /** It is gone, with the request that it may have. */
  gone(container: PooledContainer): void;
  /** There are more or fewer, or another start has failed. */
  changed(kind: 'started' | 'start-failed' | 'ended'): void;
}

/** The containers of one pool: as many as its target says. Those that are lost, do not answer or cannot start are replaced, with growing pauses. */
export class Containers {
  readonly #options: ContainersOptions;
  readonly #events: ContainerEvents;
  readonly #all = new Set<PooledContainer>();
  readonly #backOff = new StartBackOff();
  #host: ContainerHost;
  /** Starts and stops that are under way. */
  readonly #pending = new Set<Promise<void>>();
  #target = 0;
  #retry: Timer | undefined;
  #emptied: Deferred<void> | undefined;
  #isHeld = false;
  #isEnding = false;

  constructor(options: ContainersOptions, events: ContainerEvents) {
    this.#options = options;
    this.#host = options.host;
    this.#events = events;
  }

  get target(): number {
    return this.#target;
  }

  get all(): ReadonlySet<PooledContainer> {
    return this.#all;
  }

  /** Measured time of a start in ms; 0 before the first. */
  get startMs(): number {
    return this.#backOff.startMs;
  }

  get startPauseMs(): number {
    return this.#backOff.remainingMs(this.#options.scheduler.now());
  }

  /** Of the last start, where that has failed, and no container has handled a request since. */
  get lastError(): Error | undefined {
    return this.#backOff.lastError;
  }

  /** Starts containers, or retires the emptiest. */
  setTarget(count: number): void {
    this.#target = count;
    const { live } = this;
    for (const container of emptiestFirst(live).slice(0, Math.max(0, live.length - count))) {
      container.isRetiring = true;
      if (container.state === 'idle') this.stop(container);
    }
    if (count > live.length) this.#startMissing(count - live.length);
  }

  /** Those that get requests, now or when they have started. */
  get live(): readonly PooledContainer[] {
    return [...this.#all].filter(({ isRetiring }) => !isRetiring);
  }

  /** No container is started until `resume`. */
  hold(): void {
    this.#isHeld = true;
  }

  resume(): void {
    this.#isHeld = false;
    this.setTarget(this.#target);
  }

  /** While held: `successors`, which `host` has started, take the place of all that are live. */
  exchange(host: ContainerHost, successors: readonly PlacedContainer[]): void {
    const { scheduler } = this.#options;
    const replaced = this.live;
    this.#host = host;
    for (const container of replaced) container.isRetiring = true;
    for (const placed of successors) {
      const container = newContainer(scheduler.now());
      container.placed = placed;
      enter(container, 'idle', scheduler.now());
      this.#all.add(container);
    }
    for (const container of replaced) this.stop(container);
    // What failed was another version.
    this.#backOff.served();
  }

  /** Its request has ended. */
  released(container: PooledContainer): void {
    if (!this.#all.has(container)) return;
    this.#backOff.served();
    if (!container.isRetiring && this.#isUsedUp(container)) {
      container.isRetiring = true;
      this.#options.observe({ ...this.#event(), kind: 'recycled', handled: container.handled });
      // Its successor starts before it has stopped.
      this.setTarget(this.#target);
    }
    this.#free(container);
  }

  /**
   * Asks a container whether it has handled its request. It is wedged, and replaced where the life-cycle plugin does not want to wait, when it does not answer for `wedgedMs`
   * beyond the time that it still has for that.
   */
  async check(container: PooledContainer, leftMs: number): Promise<void> {
    const { wedgedMs, scheduler } = this.#options;
    const { placed } = container;
    if (placed === undefined) return;
    const sinceMs = scheduler.now();
    enter(container, 'checking', sinceMs);
    for (let allowedMs = leftMs + wedgedMs; ; allowedMs = wedgedMs) {
      const answer = await this.#probed(placed, allowedMs);
      if (answer === 'gone') return this.#remove(container);
      if (answer === 'answered') return this.released(container);
      if (!this.#all.has(container)) return;
      if (this.#responseTo(container, scheduler.now() - sinceMs - leftMs) === 'replace') return this.stop(container);
    }
  }

  async #probed(placed: PlacedContainer, timeoutMs: number): Promise<'answered' | 'gone' | 'silent'> {
    try {
      await this.#host.probe(placed, timeoutMs);
    } catch (error) {
      if (error instanceof StoppedError || error instanceof UnreachableError) return 'gone';
      if (error instanceof AskTimeoutError) return 'silent';
    }
    return 'answered';
  }

  #responseTo(container: PooledContainer, silentMs: number): 'replace' | 'wait' {
    const { log, name, lifeCycle, observe, wedgedMs } = this.#options;
    // One that retires, or whose pool ends, has had its time.
    const mayWait = !container.isRetiring && !this.#isEnding;
    const response = mayWait ? lifeCycle.wedged(this.#viewOf(container), silentMs) : 'replace';
    observe({ ...this.#event(), kind: 'wedged', response });
    const what = response === 'wait' ? 'is asked again' : 'is replaced';
    log.warn(`a container is wedged, and ${what}`, { component: name, afterMs: wedgedMs });
    return response;
  }

  #isUsedUp(container: PooledContainer): boolean {
    const { recycleAfter, lifeCycle } = this.#options;
    return container.handled >= recycleAfter || lifeCycle.recycles(this.#viewOf(container));
  }

  #viewOf({ placed, handled, startedMs }: PooledContainer): ContainerView {
    const { name: component, scheduler } = this.#options;
    return { component, partition: placed?.ordinal ?? 0, handled, ageMs: scheduler.now() - startedMs };
  }

  #event(): { readonly component: string; readonly atMs: number } {
    const { name: component, scheduler } = this.#options;
    return { component, atMs: scheduler.now() };
  }

  /** A container has ended, or the link to it was lost. */
  ended(ref: UntypedRef): void {
    const { log, scheduler, name } = this.#options;
    const container = [...this.#all].find(({ placed }) => placed?.ref === ref);
    if (container === undefined) return;
    if (!container.isRetiring && !this.#isEnding) {
      if (this.#isHeld) {
        log.warn(
          'a container has ended before its successor took its place: a state that it had not given away is lost',
          {
            component: name,
          },
        );
      } else log.warn('a container has ended, and is replaced', { component: name });
      const nowMs = scheduler.now();
      if (nowMs - container.startedMs < EARLY_END_MS) {
        this.#backOff.failed(nowMs, new UnreachableError(`A container of "${name}" ended soon after its start.`));
      }
      this.#options.observe({ ...this.#event(), kind: 'ended' });
    }
    this.#remove(container);
  }

  /** Stops a container whatever it does. */
  stop(container: PooledContainer): void {
    if (!this.#all.has(container)) return;
    this.#remove(container);
    container.start.abort();
    if (container.placed !== undefined) this.#pend(this.#stopPlaced(container.placed));
  }

  /** No container is started any more. */
  end(): void {
    this.#isEnding = true;
    this.#target = 0;
    if (this.#retry !== undefined) this.#options.scheduler.clearTimer(this.#retry);
    this.#retry = undefined;
  }

  /** Stops all: those that have a request when that has ended, at the latest after `drainMs`. */
  async close(drainMs: number): Promise<void> {
    const { scheduler } = this.#options;
    this.end();
    this.setTarget(0);
    if (this.#all.size > 0) {
      this.#emptied ??= new Deferred();
      const cut = scheduler.setTimer(drainMs, () => {
        for (const container of this.#all) this.stop(container);
      });
      await this.#emptied.promise;
      scheduler.clearTimer(cut);
    }
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  #startMissing(missing: number): void {
    if (this.#isHeld) return;
    const { scheduler } = this.#options;
    const pauseMs = this.#backOff.remainingMs(scheduler.now());
    if (pauseMs === 0) {
      for (let count = 0; count < missing; count++) this.#pend(this.#start());
      return;
    }
    this.#retry ??= scheduler.setTimer(pauseMs, () => {
      this.#retry = undefined;
      this.setTarget(this.#target);
    });
  }

  async #start(): Promise<void> {
    const { scheduler, log, name } = this.#options;
    const host = this.#host;
    const container = newContainer(scheduler.now());
    this.#all.add(container);
    try {
      container.placed = await host.place(container.start.signal);
    } catch (error) {
      if (!this.#all.has(container)) return;
      this.#backOff.failed(scheduler.now(), errorOf(error));
      // Without any other, nobody handles requests.
      const level = this.#hasStarted() ? 'warn' : 'error';
      log[level]('a container could not start, and is tried again', { component: name, error: namedMessageOf(error) });
      this.#options.observe({ ...this.#event(), kind: 'start-failed', error: errorOf(error) });
      this.stop(container);
      this.#events.changed('start-failed');
      return;
    }
    // It was given up meanwhile.
    if (!this.#all.has(container)) {
      await this.#stopPlaced(container.placed);
      return;
    }
    const tookMs = scheduler.now() - container.startedMs;
    this.#backOff.started(tookMs);
    this.#options.observe({ ...this.#event(), kind: 'started', tookMs });
    this.#free(container);
    this.#events.changed('started');
  }

  #hasStarted(): boolean {
    return [...this.#all].some(({ state }) => state !== 'starting');
  }

  #free(container: PooledContainer): void {
    if (container.isRetiring) {
      this.stop(container);
      return;
    }
    enter(container, 'idle', this.#options.scheduler.now());
    this.#events.free(container);
  }

  async #stopPlaced(placed: PlacedContainer): Promise<void> {
    const { log, name } = this.#options;
    try {
      await this.#host.stop(placed);
    } catch (error) {
      log.debug('a container has not confirmed its stop', { component: name, error: namedMessageOf(error) });
    }
  }

  #remove(container: PooledContainer): void {
    if (!this.#all.delete(container)) return;
    this.#events.gone(container);
    this.setTarget(this.#target);
    if (this.#all.size === 0) this.#emptied?.resolve();
    this.#events.changed('ended');
  }

  #pend(work: Promise<void>): void {
    this.#pending.add(work);
    void work.finally(() => this.#pending.delete(work));
  }
}
