import { limits } from '../../limits.js';

/** An actor of a user that has failed. */
export interface ActorTrouble {
  readonly actor: string;
  /** `ended`: it stopped because of a failure, and no actor has been started at its path since. `restarting`: it restarts again and again. */
  readonly state: 'ended' | 'restarting';
  /** It has no parent. When it has ended, nobody else decides what happens now. */
  readonly isRoot: boolean;
  /** Restarts within `restartWindowMs`. */
  readonly restarts: number;
  /** Message of the last error. */
  readonly error: string;
}

interface Restarts {
  readonly timesMs: readonly number[];
  readonly error: string;
  readonly isRoot: boolean;
}

/** Restarts within the window from which an actor counts as one that restarts again and again. */
const REPEATED = 3;

/** The actors that ended by a failure, and those that restart again and again: what `health()` names. */
export class Troubles {
  readonly #windowMs: number;
  readonly #ended = new Map<string, { readonly error: string; readonly isRoot: boolean }>();
  readonly #restarts = new Map<string, Restarts>();

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  ended(path: string, { message }: Error, isRoot: boolean): void {
    this.#restarts.delete(path);
    this.#ended.delete(path);
    this.#ended.set(path, { error: message, isRoot });
    forgetOldest(this.#ended);
  }

  restarted(path: string, { message }: Error, isRoot: boolean, nowMs: number): void {
    const { timesMs = [] } = this.#restarts.get(path) ?? {};
    const recent = timesMs.filter((timeMs) => nowMs - timeMs < this.#windowMs);
    recent.push(nowMs);
    this.#restarts.delete(path);
    this.#restarts.set(path, { timesMs: recent.slice(-limits.troubledRestarts), error: message, isRoot });
    forgetOldest(this.#restarts);
  }

  /** An actor starts at this path. */
  started(path: () => string): void {
    if (this.#ended.size > 0) this.#ended.delete(path());
  }

  /** The actor at this path has stopped, for whatever reason. */
  stopped(path: () => string): void {
    if (this.#restarts.size > 0) this.#restarts.delete(path());
  }

  list(nowMs: number): readonly ActorTrouble[] {
    const troubles: ActorTrouble[] = [];
    for (const [actor, { error, isRoot }] of this.#ended) {
      troubles.push({ actor, state: 'ended', isRoot, restarts: 0, error });
    }
    for (const [actor, { timesMs, error, isRoot }] of this.#restarts) {
      const restarts = timesMs.filter((timeMs) => nowMs - timeMs < this.#windowMs).length;
      if (restarts === 0) this.#restarts.delete(actor);
      else if (restarts >= REPEATED) troubles.push({ actor, state: 'restarting', isRoot, restarts, error });
    }
    return troubles;
  }
}

function forgetOldest(all: Map<string, unknown>): void {
  if (all.size <= limits.troubledActors) return;
  for (const oldest of all.keys()) {
    all.delete(oldest);
    return;
  }
}
