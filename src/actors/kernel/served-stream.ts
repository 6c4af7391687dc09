import { ConfigError, type MillraceError, ReentrantAskError, StoppedError } from '../../errors.js';
import { messageOf, promiseOf } from '../../foreign.js';
import type { AnyMethod, Meta, Ref } from '../../protocol/index.js';
import type { CallChain } from './call-chain.js';
import type { Delivery } from './delivery.js';
import { laterReply } from './later.js';
import { handlerError } from './lifecycle.js';
import type { TraceContext } from './trace-context.js';
import type { StreamOpening, StreamSink, StreamSource } from './stream.js';

/** The actor that serves streams, as far as they know it. */
export interface StreamHost {
  readonly path: string;
  readonly isOpen: boolean;
  waitsIn(chain: CallChain): boolean;
  /** Asks for a turn of the stream, in the mailbox, where pulls have room of their own. */
  queuePull(stream: ServedStream): void;
  /** The stream has ended, and has nothing to close. */
  served(stream: ServedStream): void;
}

/**
 *     opening --> pulling <--> idle <--> queued        (opening and queued lie in the mailbox)
 *                   |            ^
 *                   `--> later --'                     (an element that comes later; the mailbox is free)
 */
type Phase = 'opening' | 'queued' | 'pulling' | 'later' | 'idle';

/**
 * The actor's end of a stream. It is what lies in the mailbox for each pull, and the delivery of that message at the same time: its
 * `reply` is what the generator yielded. It pulls while there is credit, and never ahead of it.
 */
export class ServedStream implements Delivery, StreamSource {
  readonly method: AnyMethod;
  /** Of the opening while that lies in the mailbox. Never infinite: somebody waits. */
  deadlineMs: number;
  /** Nothing more goes to the reader. */
  isEnded = false;
  private readonly host: StreamHost;
  private readonly opening: StreamOpening;
  private iterator: AsyncIterator<unknown> | undefined = undefined;
  private phase: Phase = 'opening';
  private credit: number;
  private produced = 0;
  private isWaitingForRoom = false;

  constructor(host: StreamHost, method: AnyMethod, opening: StreamOpening) {
    this.host = host;
    this.method = method;
    this.deadlineMs = Math.min(opening.deadlineMs, Number.MAX_VALUE);
    this.credit = opening.credit;
    this.opening = opening;
  }

  get chain(): CallChain | undefined {
    return this.opening.chain;
  }

  get meta(): Meta | undefined {
    return this.opening.meta;
  }

  get trace(): TraceContext | undefined {
    return this.opening.trace;
  }

  get sender(): Ref | undefined {
    return this.opening.sender();
  }

  /** Of the request, while that lies in the mailbox. */
  get sizeBytes(): number {
    return this.phase === 'opening' ? this.opening.sizeBytes : 0;
  }

  private get sink(): StreamSink {
    return this.opening.sink;
  }

  /** Its generator is in the middle of an element. */
  get isPulling(): boolean {
    return this.phase === 'pulling';
  }

  /** It lies in the mailbox, in the room that pulls have. */
  get isQueued(): boolean {
    return this.phase === 'queued';
  }

  /** Its generator was started, and must be told when nobody reads on. */
  get isUnclosed(): boolean {
    return this.iterator !== undefined;
  }

  // ---- what the reader says

  grant(credit: number, chain: CallChain | undefined): void {
    if (this.isEnded) return;
    this.credit = Math.max(this.credit, credit);
    if (chain !== undefined && this.host.waitsIn(chain)) {
      const text = `${this.method.fullName} read of ${this.host.path}, which waits for its reader in the same chain of asks`;
      this.fail(new ReentrantAskError(`${text}: read it outside the ask`));
    } else this.pullIfDue();
  }

  cancel(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.settle();
  }

  // ---- what the actor does with it

  /** The next step of the generator, which the first turn makes with `start`. ConfigError when the handler returned no such thing. */
  pull(start: () => unknown): Promise<unknown> {
    this.phase = 'pulling';
    this.deadlineMs = Number.MAX_VALUE;
    this.iterator ??= iteratorOf(start(), this.method);
    return settled(this.iterator.next());
  }

  /** A turn of it in the mailbox has come. */
  taken(): void {
    if (this.phase === 'queued') this.phase = 'idle';
  }

  /** Runs the generator's `finally`; undefined when there is nothing to run. */
  close(): Promise<unknown> | undefined {
    const { iterator } = this;
    this.iterator = undefined;
    this.host.served(this);
    return iterator?.return === undefined ? undefined : settled(iterator.return());
  }

  /** What the generator yielded or returned. Throws what the element's type or the way to the reader throws. */
  reply(value: unknown): void {
    this.phase = 'idle';
    const { done, value: yielded } = asResult(value, this.method);
    const later = laterReply(yielded);
    if (done) this.iterator = undefined;
    if (this.isEnded) {
      later?.catch(() => {});
      this.settle();
    } else if (done) {
      this.isEnded = true;
      this.settle();
      this.sink.end();
    } else if (later === undefined) this.send(yielded);
    else this.awaitLater(later);
  }

  /** A generator that threw is done; one that was at a `yield` is closed. */
  fail(error: MillraceError): void {
    const wasEnded = this.isEnded;
    this.isEnded = true;
    if (this.isPulling) {
      this.iterator = undefined;
      this.phase = 'idle';
      this.settle();
    } else if (!wasEnded) this.settle();
    if (!wasEnded) this.sink.fail(error);
  }

  private send(value: unknown): void {
    this.sink.element(this.method.response.create(value));
    this.produced++;
    if (this.host.isOpen) this.pullIfDue();
    else
      this.fail(
        new StoppedError(`${this.method.fullName}: ${this.host.path} has stopped before the stream was at its end`),
      );
  }

  private awaitLater(reply: Promise<unknown>): void {
    this.phase = 'later';
    reply
      .then((value) => {
        this.phase = this.phase === 'later' ? 'idle' : this.phase;
        if (!this.isEnded) this.send(value);
      })
      .catch((error: unknown) => {
        this.phase = this.phase === 'later' ? 'idle' : this.phase;
        this.fail(handlerError(error));
      });
  }

  private pullIfDue(): void {
    if (this.phase !== 'idle' || this.isEnded || this.produced >= this.credit || this.isWaitingForRoom) return;
    const room = this.sink.room?.();
    if (room === undefined) this.queue();
    else {
      this.isWaitingForRoom = true;
      const go = (): void => {
        this.isWaitingForRoom = false;
        this.pullIfDue();
      };
      // Where there will be no room again the way itself has ended, and cancels the stream.
      room.then(go, () => {});
    }
  }

  /** Ended: a generator that waits at a `yield` gets a turn for its `finally`; without one this is all. */
  private settle(): void {
    if (this.iterator === undefined) this.host.served(this);
    else if (this.phase === 'idle' || this.phase === 'later') this.queue();
  }

  private queue(): void {
    this.phase = 'queued';
    this.host.queuePull(this);
  }
}

/** What an iterator gave, which user code may have written. */
function settled(step: unknown): Promise<unknown> {
  return promiseOf(step) ?? Promise.resolve(step);
}

function iteratorOf(result: unknown, method: AnyMethod): AsyncIterator<unknown> {
  if (isAsyncIterable(result)) return result[Symbol.asyncIterator]();
  throw new ConfigError(
    `the handler of ${method.fullName} must return an AsyncIterable: write it as an async generator, async *${method.name}(state, request, ctx)`,
  );
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

function asResult(value: unknown, method: AnyMethod): { readonly done: boolean; readonly value: unknown } {
  if (typeof value !== 'object' || value === null) {
    throw new ConfigError(`the iterator of ${method.fullName} must give { done, value }, not ${messageOf(value)}`);
  }
  return { done: 'done' in value && value.done === true, value: 'value' in value ? value.value : undefined };
}
