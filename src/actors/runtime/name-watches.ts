import { namedMessageOf } from '../../foreign.js';
import type { Logger } from '../../logging/index.js';
import type { AnyService, Ref } from '../../protocol/index.js';
import { pause, type Scheduler } from '../../scheduler/index.js';
import { type ControlPlaneClient, isLate } from '../control-plane/index.js';
import type { ActorRef, ActorSystem } from '../kernel/index.js';

export interface NameWatchesOptions {
  readonly client: () => ControlPlaneClient;
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly log: Logger;
}

/** Called with the actor that has a name, and with `undefined` when none has. */
export type NameListener<S extends AnyService> = (holder: ActorRef<S> | undefined) => void;

/** Pauses in ms after the control plane could not be asked. */
const BACKOFF = { minMs: 100, maxMs: 5_000 };

/** The names that this process follows: asks the control plane for the next change of each, again and again. */
export class NameWatches {
  readonly #options: NameWatchesOptions;
  readonly #watches = new Set<AbortController>();

  constructor(options: NameWatchesOptions) {
    this.#options = options;
  }

  /** Resolves when `listener` was called for the first time. Rejects with the error of the control plane when that cannot be asked. */
  async watch<S extends AnyService>(service: S, name: string, listener: NameListener<S>): Promise<() => void> {
    const over = new AbortController();
    const first = await this.#options.client().followName(name, undefined, over.signal);
    this.#watches.add(over);
    this.#notify(service, name, listener, first);
    void this.#follow(service, name, listener, first, over);
    return () => this.#end(over);
  }

  close(): void {
    for (const over of this.#watches) this.#end(over);
  }

  #end(over: AbortController): void {
    this.#watches.delete(over);
    over.abort();
  }

  async #follow<S extends AnyService>(
    service: S,
    name: string,
    listener: NameListener<S>,
    first: Ref | undefined,
    { signal }: AbortController,
  ): Promise<void> {
    const { client, log, scheduler } = this.#options;
    let known = first;
    let delayMs = BACKOFF.minMs;
    while (!signal.aborted) {
      try {
        const next = await client().followName(name, { ref: known }, signal);
        delayMs = BACKOFF.minMs;
        if (signal.aborted || isSame(next, known)) continue;
        known = next;
        this.#notify(service, name, listener, next);
      } catch (error) {
        if (signal.aborted || isLate(error)) continue;
        log.debug('a name cannot be followed now', { name, error: namedMessageOf(error) });
        await pause(scheduler, delayMs, signal);
        delayMs = Math.min(2 * delayMs, BACKOFF.maxMs);
      }
    }
  }

  #notify<S extends AnyService>(service: S, name: string, listener: NameListener<S>, ref: Ref | undefined): void {
    const { system, log } = this.#options;
    try {
      listener(ref === undefined ? undefined : system.reference(service, ref, name));
    } catch (error) {
      log.error('a listener of a name threw, or the actor that has the name is of another service', { name, error });
    }
  }
}

function isSame(one: Ref | undefined, other: Ref | undefined): boolean {
  return one?.cUid === other?.cUid && one?.incarnation === other?.incarnation;
}
