import { ProtocolError } from '../../errors.js';
import { shownValue } from '../../foreign.js';
import type { Logger } from '../../logging/index.js';
import type { AnyMethod, BorrowedBytes } from '../../protocol/index.js';
import type { ArrivingMessage } from './arriving-message.js';
import { loanOf } from './loan.js';
import { RetainedBytes, type Retention } from './retained-bytes.js';

/** Holds the memory that bytes lie in; undefined for memory that belongs to whoever refers to it. Throws ConsumedError for what was given back. */
export type HoldBytes = (bytes: Uint8Array) => Disposable | undefined;

/** Holds bytes that were lent, or that lie in memory which `holdOther` knows. */
export function holdBytes(bytes: Uint8Array, holdOther: HoldBytes): Disposable | undefined {
  return loanOf(bytes)?.hold() ?? holdOther(bytes);
}

/**
 * The memory of others that one incarnation of an actor uses: what its messages have lent it, until their handlers have settled, and what it has
 * retained. All of it is given back at the end of the incarnation.
 *
 *     handling --- the handler has settled ----------------> given back
 *         |------- it has returned `later` --> deferred ----> given back when the reply has settled
 *         `------- it has stashed the message --------------> the stash has it
 */
export class Borrowing {
  #handling: ArrivingMessage | undefined = undefined;
  readonly #held = new Set<Disposable>();

  /** The handler of this message begins. */
  begin(message: ArrivingMessage): void {
    this.#handling = message;
    this.#held.add(message);
  }

  /** The message being handled, which somebody else has to dispose from now on. */
  handOver(): ArrivingMessage | undefined {
    const message = this.#handling;
    this.#handling = undefined;
    if (message !== undefined) this.#held.delete(message);
    return message;
  }

  /** The message being handled is lent until `reply` settles. */
  defer(reply: Promise<unknown>): void {
    const message = this.#handling;
    this.#handling = undefined;
    if (message === undefined) return;
    const end = (): void => this.#giveBack(message);
    reply.then(end, end);
  }

  /** The handler of this message has settled. */
  settled(message: ArrivingMessage): void {
    if (this.#handling !== message) return;
    this.#handling = undefined;
    this.#giveBack(message);
  }

  /** Keeps the memory of these bytes. Throws ConsumedError for what was given back, and ProtocolError for what are no bytes. */
  retain(bytes: BorrowedBytes, log: Logger, holdOther: HoldBytes = () => undefined): RetainedBytes {
    if (!(bytes instanceof Uint8Array))
      throw new ProtocolError(`ctx.retain needs bytes of a message, a Uint8Array, not ${shownValue(bytes)}.`);
    const held = this.#held;
    const memory = holdBytes(bytes, holdOther) ?? { [Symbol.dispose]() {} };
    held.add(memory);
    const retention: Retention = {
      get isOver() {
        return !held.has(memory);
      },
      end: () => this.#giveBack(memory),
    };
    return new RetainedBytes(bytes, retention, log);
  }

  /** The incarnation has ended. */
  end(): void {
    this.#handling = undefined;
    for (const memory of this.#held) this.#giveBack(memory);
  }

  #giveBack(memory: Disposable): void {
    if (this.#held.delete(memory)) memory[Symbol.dispose]();
  }
}

/** A method whose borrowed fields are lent to its handler. The request of a stream is used for as long as the stream, and is copied. */
export function lendsRequest({ mode }: AnyMethod): boolean {
  return mode !== 'stream';
}
