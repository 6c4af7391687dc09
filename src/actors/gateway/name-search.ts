import { Deferred } from '../../deferred.js';
import { type MillraceError, StoppedError } from '../../errors.js';
import type { AnyService } from '../../protocol/index.js';
import type { ActorRef } from '../kernel/index.js';

type Found = ActorRef<AnyService>;

/** One lookup of a name, and the calls that wait for it. It is given up with the last of them. */
export class NameSearch {
  readonly #key: string;
  readonly #begin: (signal: AbortSignal) => Promise<Found>;
  readonly #found = new Deferred<Found>();
  readonly #over = new AbortController();
  #failed: () => void = () => {};
  #waiting = 0;

  constructor(key: string, begin: (signal: AbortSignal) => Promise<Found>) {
    this.#key = key;
    this.#begin = begin;
    // Nobody may wait any more.
    this.#found.promise.catch(() => {});
  }

  /** Rejects with the error of the lookup, or that of `end`. */
  get found(): Promise<Found> {
    return this.#found.promise;
  }

  /** `failed` may be called again; each is called before those who wait hear of it. */
  start(found: (ref: Found) => void, failed: () => void): void {
    this.#failed = failed;
    this.#begin(this.#over.signal).then(
      (ref) => {
        found(ref);
        this.#found.resolve(ref);
      },
      (error: unknown) => {
        failed();
        this.#found.reject(error);
      },
    );
  }

  /** A call of the client with these searches waits. Returns a function for when it waits no more, which may be called again. */
  join(own: Map<string, number>): () => void {
    const key = this.#key;
    this.#waiting++;
    own.set(key, (own.get(key) ?? 0) + 1);
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      const calls = (own.get(key) ?? 0) - 1;
      if (calls > 0) own.set(key, calls);
      else own.delete(key);
      if (--this.#waiting > 0) return;
      this.#failed();
      this.#over.abort();
    };
  }

  end(why: MillraceError = new StoppedError('The gateway has stopped.')): void {
    this.#found.reject(why);
    this.#over.abort();
  }
}
