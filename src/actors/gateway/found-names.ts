import { AskTimeoutError, BackpressureError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { AnyService } from '../../protocol/index.js';
import { type ActorRef, routeKey, type Watcher } from '../kernel/index.js';
import type { Runtime } from '../runtime/index.js';
import { NameSearch } from './name-search.js';

type Found = ActorRef<AnyService>;

/** An actor that was found. It is forgotten when it ends, and looked up again from `untilMs` on, while calls go on to it. */
interface Known {
  readonly ref: Found;
  readonly watcher: Watcher;
  untilMs: number;
}

/** Time after which a name is looked up again, in ms: it may have moved to another actor. */
const FRESH_MS = 1_000;
/** For that lookup; a name that an actor has is found in a moment. */
const REFRESH_MS = 1_000;
const KEPT = 4_096;
/** One search; a call that may wait longer searches again. */
const SEARCH_MS = 10_000;

/**
 * The actors that clients have asked for by name, as this process knows them. Calls that need the same name share its lookup. A name that was found costs no
 * place among the lookups any more while its actor is alive, so nobody can lock those out who use it.
 */
export class FoundNames {
  readonly #runtime: Runtime;
  /** Those that were found or confirmed last are at the end. */
  readonly #known = new Map<string, Known>();
  /** In the order of their beginnings. */
  readonly #searches = new Map<string, NameSearch>();
  #isClosed = false;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** The actor, or the search for it. Throws BackpressureError where one client (`own`) looks up too many names. */
  find(service: AnyService, name: string, own: ReadonlyMap<string, number>): Found | NameSearch {
    const key = `${service.typeName} ${name}`;
    const known = this.#known.get(key);
    if (known !== undefined) {
      this.#refresh(key, known, service, name);
      return known.ref;
    }
    if (!own.has(key) && own.size >= limits.gatewayClientLookups) {
      throw new BackpressureError(`${limits.gatewayClientLookups} names are looked up at a time, which is the most.`);
    }
    return this.#searches.get(key) ?? this.#search(key, service, name);
  }

  /** A call of the actor has failed: another one may have the name. */
  forget({ typeName }: AnyService, name: string): void {
    this.#drop(`${typeName} ${name}`);
  }

  /** The gateway has ended. */
  close(): void {
    this.#isClosed = true;
    for (const search of this.#searches.values()) search.end();
    for (const key of this.#known.keys()) this.#drop(key);
  }

  #search(key: string, service: AnyService, name: string): NameSearch {
    this.#makeRoom();
    const search = new NameSearch(key, (signal) =>
      this.#runtime.lookup(service, name, { timeoutMs: SEARCH_MS, signal }),
    );
    this.#searches.set(key, search);
    const over = (): void => {
      if (this.#searches.get(key) === search) this.#searches.delete(key);
    };
    search.start((ref) => {
      over();
      this.#know(key, ref);
    }, over);
    return search;
  }

  /** Names that actors have are found in a moment, so the oldest search is for a name that none has. */
  #makeRoom(): void {
    if (this.#searches.size < limits.gatewayLookups) return;
    for (const [key, oldest] of this.#searches) {
      this.#searches.delete(key);
      oldest.end(new BackpressureError(`${limits.gatewayLookups} names are looked up at a time, which is the most.`));
      return;
    }
  }

  /** Looks a known name up again, while calls go on to the actor that has had it. */
  #refresh(key: string, known: Known, service: AnyService, name: string): void {
    const { scheduler } = this.#runtime;
    if (known.untilMs > scheduler.now()) return;
    known.untilMs = Number.POSITIVE_INFINITY;
    this.#runtime.lookup(service, name, { timeoutMs: REFRESH_MS }).then(
      (ref) => {
        if (this.#known.get(key) === known) this.#know(key, ref);
      },
      (error: unknown) => {
        known.untilMs = scheduler.now() + FRESH_MS;
        // While the control plane cannot be asked, actors go on.
        const isGone = isNotFound(error) && this.#runtime.health().controlPlane.isReachable;
        if (isGone && this.#known.get(key) === known) this.#drop(key);
      },
    );
  }

  #know(key: string, ref: Found): void {
    this.#drop(key);
    if (this.#isClosed) return;
    const watcher = {
      terminated: () => {
        if (this.#known.get(key)?.watcher === watcher) this.#known.delete(key);
      },
    };
    this.#known.set(key, { ref, watcher, untilMs: this.#runtime.scheduler.now() + FRESH_MS });
    ref[routeKey].watch(watcher);
    if (this.#known.size > KEPT) this.#dropOldest();
  }

  #dropOldest(): void {
    for (const key of this.#known.keys()) return this.#drop(key);
  }

  #drop(key: string): void {
    const known = this.#known.get(key);
    if (known === undefined) return;
    this.#known.delete(key);
    known.ref[routeKey].unwatch(known.watcher);
  }
}

/** The search has ended without a result, and may be made again. */
export function isNotFound(error: unknown): boolean {
  return error instanceof AskTimeoutError;
}
