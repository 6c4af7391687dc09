import { StoppedError, UnreachableError } from '../../../errors.js';
import { namedMessageOf } from '../../../foreign.js';
import type { Logger } from '../../../logging/index.js';
import { pause, type Scheduler } from '../../../scheduler/index.js';
import type { UntypedRef } from '../../kernel/index.js';
import type { ContainerHost } from './containers.js';
import type { PlacedContainer } from './pooled-container.js';

/** Pauses in ms after a start that failed because its partition ended: they double. */
const PAUSE = { minMs: 100, maxMs: 1_000 };

/** What takes the place of the containers of a pool. */
export interface Replacement<State> {
  /** Starts the new ones. */
  readonly host: ContainerHost;
  /** Resolves to the state of an old container, which has no request; to undefined where there is none to give. A rejection keeps the old ones. */
  readonly exportState: (from: PlacedContainer) => Promise<State | undefined>;
  /** Gives it to a new one. A rejection keeps the old ones. */
  readonly importState: (to: PlacedContainer, state: State) => Promise<void>;
  /** Time in ms that the requests that the old ones have may take, and for which what ends meanwhile is started again. */
  readonly drainMs: number;
}

export interface SuccessorsOptions<State> {
  readonly replacement: Replacement<State>;
  /** Name of the component, for logs. */
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** Throws StoppedError when the pool closes. */
  readonly assertOpen: () => void;
}

/** New containers, which get no requests until they take the place of the old ones. One that ends before is started again, and gets the same state. */
export class Successors<State> {
  readonly #options: SuccessorsOptions<State>;
  /** All that were started and not taken; some may have ended. */
  readonly #started = new Set<PlacedContainer>();
  /** Those that have not ended and have no state. */
  readonly #fresh: PlacedContainer[] = [];
  readonly #heirs = new Map<PlacedContainer, State>();
  /** What nobody has imported yet. */
  readonly #states: State[] = [];

  constructor(options: SuccessorsOptions<State>) {
    this.#options = options;
  }

  /** Starts new ones until there are `count`. */
  async start(count: number): Promise<void> {
    while (this.#fresh.length + this.#heirs.size < count) this.#fresh.push(await this.#place());
  }

  /** Gives each state to a new one. When it resolves, none of those that have one is known to have ended. */
  async inherit(states: readonly State[]): Promise<void> {
    const { replacement, scheduler } = this.#options;
    const untilMs = scheduler.now() + replacement.drainMs;
    this.#states.push(...states);
    for (let state = this.#states.shift(); state !== undefined; state = this.#states.shift()) {
      const to = this.#fresh.shift() ?? (await this.#place());
      try {
        await replacement.importState(to, state);
      } catch (error) {
        if (!isGone(error) || scheduler.now() >= untilMs) throw error;
        this.ended(to.ref);
      }
      // `ended` has taken it out.
      if (this.#started.has(to)) this.#heirs.set(to, state);
      else this.#states.push(state);
    }
  }

  /** Takes so many of them away, those with a state first. */
  take(count: number): readonly PlacedContainer[] {
    const taken = [...this.#heirs.keys(), ...this.#fresh].slice(0, count);
    for (const placed of taken) this.#started.delete(placed);
    return taken;
  }

  /** Stops those that were not taken. */
  async stop(): Promise<void> {
    await Promise.allSettled([...this.#started].map((placed) => this.#options.replacement.host.stop(placed)));
  }

  /** A container has ended, or the link to it was lost. */
  ended(ref: UntypedRef): void {
    const placed = [...this.#started].find((each) => each.ref === ref);
    if (placed === undefined) return;
    const { log, name, replacement } = this.#options;
    log.warn('a container of another version has ended before it got requests', { component: name });
    this.#started.delete(placed);
    const at = this.#fresh.indexOf(placed);
    if (at >= 0) this.#fresh.splice(at, 1);
    const state = this.#heirs.get(placed);
    this.#heirs.delete(placed);
    if (state !== undefined) this.#states.push(state);
    // It is gone already: this gives its place back.
    void replacement.host.stop(placed).catch(() => {});
  }

  /** Tries again, for as long as requests may take, where the partition of a new one ends while that starts. */
  async #place(): Promise<PlacedContainer> {
    const { replacement, scheduler, log, name, assertOpen } = this.#options;
    const untilMs = scheduler.now() + replacement.drainMs;
    for (let pauseMs = PAUSE.minMs; ; pauseMs = Math.min(2 * pauseMs, PAUSE.maxMs)) {
      assertOpen();
      try {
        const placed = await replacement.host.place();
        this.#started.add(placed);
        return placed;
      } catch (error) {
        if (!(error instanceof UnreachableError) || scheduler.now() + pauseMs > untilMs) throw error;
        const text = 'the partition of a container of another version has ended, and its start is tried again';
        log.warn(text, { component: name, error: namedMessageOf(error) });
      }
      await pause(scheduler, pauseMs);
    }
  }
}

/** What a container throws itself is a HandlerError. */
export function isGone(error: unknown): boolean {
  return error instanceof UnreachableError || error instanceof StoppedError;
}
