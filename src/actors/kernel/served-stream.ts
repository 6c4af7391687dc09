import { ConfigError, type MillraceError, ReentrantAskError, StoppedError } from '../../errors.js';
import { isAsyncIterable, messageOf, promiseOf } from '../../foreign.js';
import type { AnyMethod, Meta, Ref } from '../../protocol/index.js';
import type { AsyncContext } from './async-contexts.js';
import type { CallChain } from './call-chain.js';
import type { Delivery } from './delivery.js';
import { laterReply } from './later.js';
import { answeredError } from './answered-error.js';
import type { TraceContext } from './trace-context.js';
import type { StreamOpening, StreamSink, StreamSource } from './stream.js';
import type { SteppedStream } from './stream-turn.js';

/** What a served stream needs of its actor. */
export interface StreamHost {
  readonly path: string;
  readonly isOpen: boolean;
  /** Its iterator may be closed while it makes an element. An actor does one thing at a time. */
  readonly closesAtOnce?: boolean;
  waitsIn(chain: CallChain): boolean;
  /** Element number `index` with its defaults. Throws for what is no message of its type. */
  messageOf(method: AnyMethod, value: unknown, index: number): unknown;
  /** Queues a turn of the stream in the mailbox, where pulls do not count against the capacity. */
  queuePull(stream: ServedStream): void;
  /** The stream has ended, and its generator is closed. */
  served(stream: ServedStream): void;
  /** A deferred element has failed; the reader gets `answer`. */
  elementFailed(cause: unknown, answer: MillraceError, method: AnyMethod): void;
}

/**
 *     opening --> pulling <--> idle <--> queued        (opening and queued: it is in the mailbox)
 *                   |            ^
 *                   `--> later --'                     (a deferred element; the mailbox is free)
 */
type Phase = 'opening' | 'queued' | 'pulling' | 'later' | 'idle';

/**
 * The actor's end of a stream. It is the entry in the mailbox for each pull, and at the same time that entry's delivery: `reply` gets the
 * generator's result. It pulls while the reader has given credit.
 */
export class ServedStream implements Delivery, StreamSource, SteppedStream {
  readonly method: AnyMethod;
  /** Deadline of the opening while that is in the mailbox. Always finite, because a reader waits. */
  deadlineMs: number;
  /** Nothing more is sent to the reader. */
  isEnded = false;
  readonly #host: StreamHost;
  readonly #opening: StreamOpening;
  #iterator: AsyncIterator<unknown> | undefined = undefined;
  #phase: Phase = 'opening';
  #credit: number;
  #produced = 0;
  #isWaitingForRoom = false;

  constructor(host: StreamHost, method: AnyMethod, opening: StreamOpening) {
    this.#host = host;
    this.method = method;
    this.deadlineMs = Math.min(opening.deadlineMs, Number.MAX_VALUE);
    this.#credit = opening.credit;
    this.#opening = opening;
  }

  get chain(): CallChain | undefined {
    return this.#opening.chain;
  }

  get meta(): Meta | undefined {
    return this.#opening.meta;
  }

  get trace(): TraceContext | undefined {
    return this.#opening.trace;
  }

  get asyncContext(): AsyncContext | undefined {
    return this.#opening.asyncContext;
  }

  get sender(): Ref | undefined {
    return this.#opening.sender();
  }

  /** Size of the request while that is in the mailbox. */
  get sizeBytes(): number {
    return this.#phase === 'opening' ? this.#opening.sizeBytes : 0;
  }

  get #sink(): StreamSink {
    return this.#opening.sink;
  }

  /** Its reader belongs to this process. */
  get isReadHere(): boolean {
    return this.#sink.isReadHere;
  }

  /** Its generator is producing an element. */
  get isPulling(): boolean {
    return this.#phase === 'pulling';
  }

  get isPull(): boolean {
    return this.#phase === 'queued';
  }

  /** Its generator was started, and must be closed. */
  get isUnclosed(): boolean {
    return this.#iterator !== undefined;
  }

  /** It has no entry in a mailbox that opens it: the first pull is due at once. */
  begin(): void {
    this.#phase = 'idle';
    this.#pullIfDue();
  }

  // ---- from the reader

  grant(credit: number, chain: CallChain | undefined): void {
    if (this.isEnded) return;
    this.#credit = Math.max(this.#credit, credit);
    if (chain !== undefined && this.#host.waitsIn(chain)) {
      const text = `${this.method.fullName} read of ${this.#host.path}, which waits for its reader in the same chain of asks`;
      this.fail(new ReentrantAskError(`${text}: read it outside the ask`));
    } else this.#pullIfDue();
  }

  cancel(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.#settle();
  }

  // ---- from the actor

  /** Runs the next step of the generator, which the first turn creates with `start`. Throws ConfigError when that is no AsyncIterable. */
  pull(start: () => unknown): Promise<unknown> {
    this.#phase = 'pulling';
    this.deadlineMs = Number.MAX_VALUE;
    this.#iterator ??= iteratorOf(start(), this.method);
    return settled(this.#iterator.next());
  }

  /** Its entry was taken from the mailbox. */
  taken(): void {
    if (this.#phase === 'queued') this.#phase = 'idle';
  }

  /** Closes the generator, which runs its `finally`; undefined when there is no generator. */
  close(): Promise<unknown> | undefined {
    const iterator = this.#iterator;
    this.#iterator = undefined;
    this.#host.served(this);
    return iterator?.return === undefined ? undefined : settled(iterator.return());
  }

  reply(value: unknown): void {
    this.accept(value);
    this.#pullIfDue();
  }

  accept(value: unknown): void {
    this.#phase = 'idle';
    const { done, value: yielded } = asResult(value, this.method);
    const later = laterReply(yielded);
    if (done) this.#iterator = undefined;
    if (this.isEnded) {
      later?.catch(() => {});
      this.#settle();
    } else if (done) {
      this.isEnded = true;
      this.#settle();
      this.#sink.end();
    } else if (later === undefined) this.#send(yielded);
    else this.#awaitLater(later);
  }

  /** A generator that threw has ended; one that is suspended at a `yield` is closed. */
  fail(error: MillraceError): void {
    const wasEnded = this.isEnded;
    this.isEnded = true;
    if (this.isPulling) {
      this.#iterator = undefined;
      this.#phase = 'idle';
      this.#settle();
    } else if (!wasEnded) this.#settle();
    if (!wasEnded) this.#sink.fail(error);
  }

  /** It ends here, whatever its iterator does at the moment: the reader gets the error, and the iterator is closed. */
  abort(error: MillraceError): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.#settle();
    this.#sink.fail(error);
  }

  #send(value: unknown): void {
    this.#sink.element(this.#host.messageOf(this.method, value, this.#produced));
    this.#produced++;
    if (!this.#host.isOpen)
      this.fail(new StoppedError(`${this.method.fullName}: ${this.#host.path} has stopped before the stream ended`));
  }

  #awaitLater(reply: Promise<unknown>): void {
    this.#phase = 'later';
    reply
      .then((value) => {
        this.#phase = this.#phase === 'later' ? 'idle' : this.#phase;
        if (this.isEnded) return;
        this.#send(value);
        this.#pullIfDue();
      })
      .catch((error: unknown) => {
        this.#phase = this.#phase === 'later' ? 'idle' : this.#phase;
        const answer = answeredError(error);
        if (!this.isEnded) this.#host.elementFailed(error, answer, this.method);
        this.fail(answer);
      });
  }

  #pullIfDue(): void {
    if (this.isDue()) this.queue();
  }

  isDue(): boolean {
    if (this.#phase !== 'idle' || this.isEnded || this.#produced >= this.#credit || this.#isWaitingForRoom)
      return false;
    const room = this.#sink.room?.();
    if (room !== undefined) this.#awaitRoom(room);
    return room === undefined;
  }

  #awaitRoom(room: Promise<void>): void {
    this.#isWaitingForRoom = true;
    const go = (): void => {
      this.#isWaitingForRoom = false;
      this.#pullIfDue();
    };
    // If `room` rejects, the link has ended, and cancels the stream.
    room.then(go, () => {});
  }

  /** The stream has ended: a generator that is suspended at a `yield` gets a turn to run its `finally`. */
  #settle(): void {
    if (this.#iterator === undefined) this.#host.served(this);
    else if (this.#phase === 'idle' || this.#phase === 'later' || this.#closesNow) this.queue();
  }

  get #closesNow(): boolean {
    return this.#phase === 'pulling' && this.#host.closesAtOnce === true;
  }

  queue(): void {
    this.#phase = 'queued';
    this.#host.queuePull(this);
  }
}

/** The result of an iterator's method as a promise: user code may have written the iterator. */
function settled(step: unknown): Promise<unknown> {
  return promiseOf(step) ?? Promise.resolve(step);
}

function iteratorOf(result: unknown, method: AnyMethod): AsyncIterator<unknown> {
  if (isAsyncIterable(result)) return result[Symbol.asyncIterator]();
  throw new ConfigError(
    `the handler of ${method.fullName} must return an AsyncIterable: write it as an async generator, async *${method.name}(state, request, ctx)`,
  );
}

function asResult(value: unknown, method: AnyMethod): { readonly done: boolean; readonly value: unknown } {
  if (typeof value !== 'object' || value === null) {
    throw new ConfigError(`the iterator of ${method.fullName} must return { done, value }, not ${messageOf(value)}`);
  }
  return { done: 'done' in value && value.done === true, value: 'value' in value ? value.value : undefined };
}
