import { BackpressureError, type MillraceError, PipelineError, StoppedError, UnreachableError } from '../../errors.js';
import { errorOf, messageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import { type MessageType, v1 } from '../../protocol/index.js';
import type { Timer } from '../../scheduler/index.js';
import { type Behavior, behavior, type Context, senderOf, type UntypedRef } from '../kernel/index.js';
import { forCaller } from '../../protocol/errors/index.js';
import type { Addressing } from './addressing.js';
import { Distribution, PartlySentError } from './distribution.js';
import { Deferred } from '../../deferred.js';
import type { ElementType } from './element.js';
import { RingQueue } from '../../ring-queue.js';
import type { OutgoingReader } from './outgoing-reader.js';
import { type IsSender, OutgoingReaders } from './outgoing-readers.js';
import type { Policy, WithoutReaders } from './policy.js';

export interface PublisherOptions<T, Init = T> {
  /** Name of the port, for error messages. */
  readonly port: string;
  /** Id of this writer within the port. */
  readonly id: number;
  readonly type: MessageType<T, Init> & Pick<ElementType<T>, 'weigh'>;
  readonly policy: Policy;
  /** For the policy `hash`: elements of one key go to one reader. */
  readonly key?: ((value: T) => string | number | bigint) | undefined;
  /** For the policy `local-first`: readers in the partition of the writer. */
  readonly isNear?: (reader: UntypedRef) => boolean;
  /** True if links may lose frames. Then the writer probes its readers, and keeps elements for resending if `recovers`. */
  readonly isLossy: () => boolean;
  /** True: a lost element is resent. False: it fails the stream. */
  readonly recovers: boolean;
  /** Called once if the stream fails: an element or a reader was lost. */
  readonly failed: (error: MillraceError) => void;
  /** Makes elements ready for each reader. Default: all get the element itself. */
  readonly addressing?: Addressing<T>;
  /** A reader was lost with so many elements that may not have reached it. Without this, the stream fails. */
  readonly readerLost?: (elements: number, reader: number) => void;
  /** What becomes of a write when nobody reads. Default `close`: the port closes when its last reader has left. */
  readonly withoutReaders?: WithoutReaders;
}

interface PendingWrite<T> {
  readonly value: T;
  readonly done: Deferred<void>;
}

/**
 * Interval in ms at which a writer probes a reader that has granted nothing yet, or was sent elements with large fields, and every reader on links that
 * may lose frames.
 */
const PROBE_MS = 200;
const WRITTEN = Promise.resolve();

/**
 * The writing end of a port. It sends each element directly to the readers that the policy selects, as far as they have granted credit.
 * `write` waits for credit.
 */
export class Publisher<T, Init = T> {
  /** Elements that `write` has accepted and sent. */
  written = 0;
  /** Elements that nobody was there to read, by the policy `drop`. */
  dropped = 0;
  readonly #options: PublisherOptions<T, Init>;
  readonly #readers: OutgoingReaders<T>;
  readonly #distribution: Distribution<T>;
  readonly #pending = new RingQueue<PendingWrite<T>>();
  /** Settles when every reader has the end. Undefined until `end` is called. */
  #ended: Deferred<void> | undefined;
  #closed: MillraceError | undefined;
  #context: Context | undefined;
  #probe: Timer | undefined;

  constructor(options: PublisherOptions<T, Init>) {
    this.#options = options;
    this.#distribution = new Distribution(options.policy, options.key, options.isNear);
    this.#readers = new OutgoingReaders({
      writer: options.id,
      type: options.type,
      keeps: () => options.addressing !== undefined || (options.recovers && options.isLossy()),
      addressing: options.addressing,
      changed: () => this.#changed(),
      unsure: () => this.#watchProgress(true),
      lost: ({ id }, elements) => this.#readerLost(id, elements),
    });
  }

  /** Writes that wait for credit. */
  get queued(): number {
    return this.#pending.size;
  }

  /** Readers that get elements. */
  get readers(): number {
    return this.#readers.targets.length;
  }

  /** All expected readers have joined, and all that get elements are in this partition. */
  get areReadersNear(): boolean {
    const { isNear } = this.#options;
    const { isComplete, targets } = this.#readers;
    return isNear !== undefined && isComplete && targets.every(({ subscriber }) => isNear(subscriber));
  }

  /** All expected readers have joined, and all have left again. */
  get hasNoSubscribers(): boolean {
    return this.#readers.isComplete && this.#readers.targets.length === 0;
  }

  /** The actor that receives the messages of readers and of the manifold. */
  behavior(): Behavior<typeof v1.Publisher, undefined> {
    return behavior(v1.Publisher, {
      supervision: 'resume',
      rewire: (_state, membership, context) => ({ nonce: this.#readers.rewire(membership, context) }),
      grant: (_state, grant, context) => this.#grant(grant, senderOf(context)),
      on: {
        started: (_state, context) => {
          this.#context = context;
        },
        terminated: (_state, { ref, reason }) => this.#readers.terminated(ref.toRef().cUid, reason),
      },
    });
  }

  /**
   * Sends one element. Resolves when the credit of a reader covers it. Rejects with StoppedError when no reader is left, with
   * ProtocolError when the type cannot encode it, and with BackpressureError when `limits.pendingWrites` writes are already waiting:
   * await each write.
   */
  write(init: Init): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(forCaller(this.#closed));
    if (this.#ended !== undefined) {
      const text = `Port "${this.#options.port}" has ended: no more elements can be written to it.`;
      return Promise.reject(new StoppedError(text));
    }
    const unread = this.hasNoSubscribers ? this.#withoutReaders() : undefined;
    if (unread !== undefined) return unread;
    try {
      // A copy with defaults filled in: a reader in this partition sees the same value as a remote one.
      const value = this.#options.type.create(init);
      if (this.#pending.size === 0 && this.#send(value)) {
        this.written++;
        return WRITTEN;
      }
      return this.#wait(value);
    } catch (error) {
      return Promise.reject(errorOf(error));
    }
  }

  /** The reader with this channel id cannot be reached: another watcher than the writer was told. */
  lose(cUid: bigint): void {
    this.#readers.terminated(cUid, 'unreachable');
  }

  /** Ends the stream in band. Resolves when every reader has received all of it. */
  end(): Promise<void> {
    if (this.#closed !== undefined) {
      return Promise.reject(forCaller(this.#closed));
    }
    if (this.#ended === undefined) {
      this.#ended = new Deferred();
      // The caller need not await it.
      this.#ended.promise.catch(() => {});
      this.#pump();
    }
    return this.#ended.promise;
  }

  /** Sends no more elements. Rejects the waiting writes. */
  close(error: MillraceError = new StoppedError(`Writing to port "${this.#options.port}" was stopped.`)): void {
    if (this.#closed !== undefined) {
      return;
    }
    this.#closed = error;
    for (let write = this.#pending.shift(); write !== undefined; write = this.#pending.shift()) {
      write.done.reject(forCaller(error));
    }
    this.#ended?.reject(forCaller(error));
    if (this.#probe !== undefined) {
      this.#context?.cancel(this.#probe);
    }
    this.#readers.close();
  }

  // ---- sending

  #wait(value: T): Promise<void> {
    if (this.#pending.size >= limits.pendingWrites) {
      const message = `${limits.pendingWrites} writes to port "${this.#options.port}" are already waiting: await each write.`;
      throw new BackpressureError(message);
    }
    const done = new Deferred<void>();
    this.#pending.push({ value, done });
    this.#watchProgress();
    return done.promise;
  }

  #send(value: T): boolean {
    const { targets, isPartlySent } = this.#distribution;
    if (!this.#readers.isComplete || (targets.length === 0 && !isPartlySent)) {
      return false;
    }
    try {
      const isSent = this.#distribution.send(value);
      if (isSent) {
        this.#watchProgress();
      }
      return isSent;
    } catch (error) {
      throw error instanceof PartlySentError ? this.#fail(error.message, error.cause) : error;
    }
  }

  #changed(): void {
    this.#distribution.targets = this.#readers.targets;
    if (this.#closed === undefined) {
      this.#watchProgress(this.#options.isLossy() || !this.#readers.areOpen);
      this.#pump();
    }
  }

  #pump(): void {
    for (let write = this.#pending.peek(); write !== undefined; write = this.#pending.peek()) {
      const isUnread = this.hasNoSubscribers && !this.#distribution.isPartlySent;
      const unread = isUnread ? this.#withoutReaders() : undefined;
      if (unread !== undefined) {
        this.#pending.shift();
        unread.then(
          () => write.done.resolve(),
          (error: unknown) => write.done.reject(error),
        );
        continue;
      }
      try {
        if (!this.#send(write.value)) {
          return;
        }
        this.written++;
        write.done.resolve();
      } catch (error) {
        write.done.reject(error);
      }
      this.#pending.shift();
    }
    this.#finish();
  }

  /** The result of a write when nobody reads; undefined where it waits. It may close the port: then all writes that wait are rejected. */
  #withoutReaders(): Promise<void> | undefined {
    const { port, withoutReaders = 'close' } = this.#options;
    switch (withoutReaders) {
      case 'close': {
        const error = new StoppedError(`Port "${port}" has no readers left.`);
        this.close(error);
        return Promise.reject(forCaller(error));
      }
      case 'wait':
        return undefined;
      case 'drop':
        this.dropped++;
        return WRITTEN;
      case 'fail':
        return Promise.reject(new UnreachableError(`Nobody reads "${port}": the element was not sent.`));
    }
  }

  #readerLost(id: number, elements: number): void {
    const { readerLost } = this.#options;
    if (readerLost === undefined) {
      this.#fail(`reader ${id} ended, or cannot be reached, before it had the end of the stream`);
      return;
    }
    readerLost(elements, id);
    this.#changed();
  }

  #finish(): void {
    if (
      this.#ended === undefined ||
      this.#closed !== undefined ||
      this.#pending.size > 0 ||
      (!this.#readers.isComplete && !this.#ended.isSettled)
    ) {
      return;
    }
    let isDone = true;
    for (const reader of this.#readers.all()) {
      reader.end();
      isDone &&= reader.isDone;
    }
    if (isDone) {
      this.#ended.resolve();
    } else {
      this.#watchProgress();
    }
  }

  // ---- messages of readers

  #grant(grant: v1.Grant, isSender: IsSender): void {
    if (this.#closed !== undefined) {
      return;
    }
    const reader = this.#readers.granted(grant, isSender);
    if (reader === undefined) {
      return;
    }
    if (grant.hasGap) this.#repair(reader);
    if (reader.isLeaving && reader.isDone) {
      this.#readers.forget(reader);
    }
    this.#pump();
  }

  #repair(reader: OutgoingReader<T>): void {
    const what = `element ${reader.received} was lost on the way to reader ${reader.id}`;
    if (!this.#options.recovers || !reader.keeps) {
      this.#fail(what);
      return;
    }
    try {
      reader.repair();
    } catch (error) {
      this.#fail(`${what}, and cannot be sent again: ${messageOf(error)}`, error);
    }
  }

  #fail(what: string, cause?: unknown): PipelineError {
    const options = cause === undefined ? {} : { cause };
    const error = new PipelineError(`The stream of port "${this.#options.port}" failed: ${what}.`, options);
    if (this.#closed === undefined) {
      this.close(error);
      this.#options.failed(error);
    }
    return error;
  }

  // ---- probing

  #watchProgress(isDue = this.#options.isLossy()): void {
    if (isDue && this.#closed === undefined) {
      this.#probe ??= this.#context?.after(PROBE_MS, () => this.#probeReaders());
    }
  }

  /**
   * The first grant can be lost on any link: the reader may be unable to open a link to this writer, while this writer can reach it. On any link, too, a
   * reader may be unable to read the large fields of an element, and without a next one it would not know what it lacks.
   */
  #probeReaders(): void {
    this.#probe = undefined;
    const isLossy = this.#options.isLossy();
    for (const reader of this.#readers.all()) {
      if (!reader.isOpen || reader.isUnsure || (isLossy && (!reader.isAcknowledged || this.#pending.size > 0))) {
        reader.probe();
        this.#watchProgress(true);
      }
    }
  }
}
