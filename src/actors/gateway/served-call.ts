import { Deferred } from '../../deferred.js';
import { HandlerError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import type { Meta } from '../../protocol/index.js';
import { toWire } from '../../protocol/errors/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { FoundNames } from './found-names.js';
import type { Outgoing } from './outgoing.js';
import { shownError } from './shown-error.js';

/** What the calls of one client share. */
export interface ServedCalls {
  readonly scheduler: Scheduler;
  readonly names: FoundNames;
  readonly outgoing: Outgoing;
  readonly log: Logger;
  /** Bytes of one stream that may be under way over a link between its actor and the gateway. */
  readonly windowBytes: number;
  /** Of the client, for all its calls. */
  readonly meta: Meta;
  /** Names that are looked up for it now, and how many of its calls wait for each. */
  readonly searches: Map<string, number>;
  /** The call needs no place any more. */
  readonly ended: (call: ServedCall) => void;
}

/** One call of a client, from its frame to its answer. It answers at most once, and not at all when it was cancelled. */
export class ServedCall {
  readonly call: number;
  /** For errors and the log. */
  readonly what: string;
  readonly #shared: ServedCalls;
  /** Made where it is needed: most calls end by themselves. */
  #cancelling: AbortController | undefined;
  #isOver = false;
  #onEnd: () => void = () => {};
  readonly #credit: Credit;

  /** `isTell`: it takes none of the places of calls. */
  readonly isTell: boolean;

  constructor(call: number, what: string, credit: number, shared: ServedCalls, isTell = false) {
    this.isTell = isTell;
    this.call = call;
    this.what = what;
    this.#shared = shared;
    this.#credit = new Credit(credit);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Aborted when the client waits no more. */
  get signal(): AbortSignal {
    this.#cancelling ??= new AbortController();
    return this.#cancelling.signal;
  }

  /** Calls `ended` when the call is over, however that came. */
  onEnd(ended: () => void): void {
    this.#onEnd = ended;
  }

  /** Returns false where more would be open than one client may grant. */
  grant(credit: number): boolean {
    return this.#credit.grant(credit);
  }

  /** The client waits no more, or is gone. */
  cancel(): void {
    if (this.#end()) this.#cancelling?.abort();
  }

  reply(message: Uint8Array): void {
    if (this.#end()) this.#shared.outgoing.send({ case: 'reply', value: { call: this.call, message } });
  }

  /** Waits where the client does not read; undefined when the element was sent at once. */
  element(message: Uint8Array, missed = 0): Promise<void> | undefined {
    if (this.isOver) return undefined;
    this.#credit.spend();
    const frame = { case: 'element', value: { call: this.call, message, missed } } as const;
    return this.#shared.outgoing.sendElement(frame, () => this.#isOver);
  }

  complete(): void {
    if (this.#end()) this.#shared.outgoing.send({ case: 'end', value: { call: this.call } });
  }

  fail(error: unknown): void {
    if (!this.#end()) return;
    const { log, outgoing } = this.#shared;
    // The runtime logs what a handler throws.
    if (!(error instanceof HandlerError)) log.debug('a call of a client has failed', { what: this.what, error });
    outgoing.send({ case: 'failure', value: { call: this.call, error: toWire(shownError(this.what, error)) } });
  }

  /** Resolves when the client has granted an element, and has read enough of what was sent; or when the call is over. */
  async room(): Promise<void> {
    while (!this.isOver) {
      const waits = this.#credit.wait() ?? this.#shared.outgoing.room();
      if (waits === undefined) return;
      await waits;
    }
  }

  #end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#credit.end();
    this.#onEnd();
    this.#shared.ended(this);
    return true;
  }
}

/** How far a stream may go; totals from its first element. */
class Credit {
  #granted: number;
  #spent = 0;
  #changed: Deferred<void> | undefined;
  #isOver = false;

  constructor(granted: number) {
    this.#granted = granted;
  }

  /** A lower total than before changes nothing. */
  grant(total: number): boolean {
    if (total - this.#spent > limits.gatewayWindowItems) return false;
    this.#granted = Math.max(this.#granted, total);
    this.#wake();
    return true;
  }

  spend(): void {
    this.#spent++;
  }

  wait(): Promise<void> | undefined {
    if (this.#spent < this.#granted || this.#isOver) return undefined;
    this.#changed ??= new Deferred();
    return this.#changed.promise;
  }

  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  #wake(): void {
    this.#changed?.resolve();
    this.#changed = undefined;
  }
}
