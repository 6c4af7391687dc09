/** The requests of a rehearsal, as its caller and its components have seen them. */
import { AskAbortedError } from '../errors.js';
import { namedMessageOf } from '../foreign.js';

/** What has failed: of one method, with one kind of error. */
export interface Failures {
  readonly method: string;
  readonly error: string;
  readonly count: number;
  /** Of the first one. */
  readonly message: string;
}

interface Request {
  readonly method: string;
  handled: number;
  isAnswered: boolean;
}

export class RehearsalLedger {
  readonly #requests = new Map<number, Request>();
  readonly #failures = new Map<string, Failures>();
  #hasEnded = false;

  get requests(): number {
    return this.#requests.size;
  }

  get failures(): readonly Failures[] {
    return [...this.#failures.values()];
  }

  /** Returns the number of a new request. */
  began(method: string): number {
    const number = this.#requests.size + 1;
    this.#requests.set(number, { method, handled: 0, isAnswered: false });
    return number;
  }

  handled(number: number): void {
    const request = this.#requests.get(number);
    if (request !== undefined) request.handled++;
  }

  answered(number: number): void {
    const request = this.#requests.get(number);
    if (request !== undefined) request.isAnswered = true;
  }

  /** The signal of the workload is aborted: from now on that ends requests, which is no failure. */
  end(): void {
    this.#hasEnded = true;
  }

  failed(number: number, error: unknown): void {
    if (this.#hasEnded && error instanceof AskAbortedError) return;
    const { method = '' } = this.#requests.get(number) ?? {};
    const message = namedMessageOf(error);
    const kind = kindOf(error);
    const key = `${method} ${kind}`;
    const before = this.#failures.get(key);
    this.#failures.set(key, { method, error: kind, message, ...before, count: (before?.count ?? 0) + 1 });
  }

  /** Requests that were handled twice, or answered though nobody has handled them. */
  get wrong(): readonly { readonly method: string; readonly handled: number }[] {
    return [...this.#requests.values()].filter(
      ({ handled, isAnswered }) => handled > 1 || (isAnswered && handled === 0),
    );
  }
}

/** The class of an error; of one that a handler has thrown, also what that has. */
function kindOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return typeof error;
  const name = 'name' in error ? String(error.name) : 'Error';
  return 'handlerName' in error ? `${name} (${String(error.handlerName)})` : name;
}
