import { BackpressureError, type MillraceError, PipelineError, ProtocolError, StoppedError } from '../../errors.js';
import { limits } from '../../limits.js';
import { type MessageType, v1 } from '../../protocol/index.js';
import type { Timer } from '../../scheduler/index.js';
import { ReplicaMirror } from '../control-plane/index.js';
import { type ActorRef, type Behavior, behavior, type Context } from '../kernel/index.js';
import { type SubscriberService, subscriberService } from './element.js';
import { Fifo } from './fifo.js';
import { OutgoingStream } from './outgoing-stream.js';
import { hashKey, type Policy } from './policy.js';

export interface PublisherOptions<T> {
  /** Name of the port, for messages. */
  readonly port: string;
  /** Id of this writer within the port. */
  readonly id: number;
  readonly type: MessageType<T, unknown>;
  readonly policy: Policy;
  /** Of the policy `hash`: elements of one key go to one reader. */
  readonly key?: ((value: T) => string | number | bigint) | undefined;
  /** Links may lose frames: what was sent is asked after, and kept for sending again where `recovers` says so. */
  readonly isLossy: boolean;
  /** A lost element is sent again; otherwise it fails the stream. */
  readonly recovers: boolean;
  /** The stream has failed: an element was lost, or a reader. Called once. */
  readonly failed: (error: MillraceError) => void;
}

interface Reader<T> {
  readonly id: number;
  readonly subscriber: ActorRef<SubscriberService<T>>;
  readonly stream: OutgoingStream<T>;
  /** The way to it is past its mark. */
  isHeld: boolean;
  /** The element of a broadcast for which there was no room. */
  owed: T | undefined;
  isLeaving: boolean;
}

interface PendingWrite<T> {
  readonly value: T;
  resolve(): void;
  reject(error: Error): void;
}

/** Silence after which a writer asks what has arrived, in ms; only on links that may lose frames. */
const PROBE_MS = 200;
/** Grants of readers not known yet that are kept. */
const EARLY_GRANTS = 1_024;
const WRITTEN = Promise.resolve();

/**
 * The writing end of a port: hands each element to the readers that the policy names, as far as they have granted credit; `write` waits
 * for the rest. No element passes through anyone else.
 */
export class Publisher<T> {
  /** Elements accepted by `write` and handed on. */
  written = 0;
  readonly #options: PublisherOptions<T>;
  readonly #service: SubscriberService<T>;
  readonly #membership = new ReplicaMirror();
  readonly #readers = new Map<number, Reader<T>>();
  readonly #early = new Map<number, v1.Grant>();
  readonly #pending = new Fifo<PendingWrite<T>>();
  /** Readers that elements go to, by id; those that leave are not among them. */
  #targets: Reader<T>[] = [];
  #cursor = 0;
  #isComplete = false;
  #ending:
    | { readonly done: Promise<void>; readonly resolve: () => void; readonly reject: (error: Error) => void }
    | undefined;
  #closed: Error | undefined;
  #context: Context | undefined;
  #probe: Timer | undefined;

  constructor(options: PublisherOptions<T>) {
    this.#options = options;
    this.#service = subscriberService(options.type);
  }

  /** Writes that wait for credit. */
  get queued(): number {
    return this.#pending.size;
  }

  /** The actor that readers and the manifold speak to. */
  behavior(): Behavior<typeof v1.Publisher, undefined> {
    return behavior(v1.Publisher, {
      rewire: (_state, membership, context) => ({ nonce: this.#rewire(membership, context) }),
      grant: (_state, grant) => this.#grant(grant),
      on: {
        started: (_state, context) => {
          this.#context = context;
        },
        terminated: (_state, { ref }) => this.#terminated(ref.toRef().cUid),
      },
    });
  }

  /**
   * Hands one element on; resolves when a reader's credit covers it. Rejects with StoppedError when nobody will read it any more,
   * with BackpressureError when `limits.pendingWrites` writes wait already: await each write.
   */
  write(value: T): Promise<void> {
    if (this.#closed !== undefined) {
      return Promise.reject(this.#closed);
    }
    if (this.#ending !== undefined) {
      return Promise.reject(
        new StoppedError(`Port "${this.#options.port}" has ended; nothing can be written to it any more.`),
      );
    }
    if (this.#pending.size === 0 && this.#send(value)) {
      this.written++;
      return WRITTEN;
    }
    if (this.#pending.size >= limits.pendingWrites) {
      const message = `${limits.pendingWrites} writes to port "${this.#options.port}" wait already; await each write.`;
      return Promise.reject(new BackpressureError(message));
    }
    return new Promise((resolve, reject) => {
      this.#pending.push({ value, resolve, reject });
      this.#watchProgress();
    });
  }

  /** Ends the stream in band; resolves when every reader has all of it. */
  end(): Promise<void> {
    if (this.#closed !== undefined) {
      return Promise.reject(this.#closed);
    }
    if (this.#ending === undefined) {
      const { promise, resolve, reject } = withResolvers();
      this.#ending = { done: promise, resolve, reject };
      this.#pump();
    }
    return this.#ending.done;
  }

  /** Nothing more is sent; writes that wait are rejected. */
  close(error: Error = new StoppedError(`The writing to port "${this.#options.port}" was stopped.`)): void {
    if (this.#closed !== undefined) {
      return;
    }
    this.#closed = error;
    for (let write = this.#pending.shift(); write !== undefined; write = this.#pending.shift()) {
      write.reject(error);
    }
    this.#ending?.reject(error);
    if (this.#probe !== undefined) {
      this.#context?.cancel(this.#probe);
    }
  }

  // ---- sending

  #send(value: T): boolean {
    if (!this.#isComplete || this.#targets.length === 0) {
      return false;
    }
    switch (this.#options.policy) {
      case 'broadcast':
        return this.#targets.every(isWritable) && this.#sendToAll(value);
      case 'hash': {
        const reader = this.#targets[hashKey(this.#options.key?.(value) ?? '') % this.#targets.length];
        return reader !== undefined && isWritable(reader) && this.#sendTo(reader, value);
      }
      case 'round-robin':
        return this.#sendToNext(value);
    }
  }

  #sendToNext(value: T): boolean {
    for (let tried = 0; tried < this.#targets.length; tried++) {
      const reader = this.#targets[this.#cursor % this.#targets.length];
      this.#cursor = (this.#cursor + 1) % this.#targets.length;
      if (reader !== undefined && isWritable(reader) && this.#sendTo(reader, value)) {
        return true;
      }
    }
    return false;
  }

  /** Every reader had credit when it was looked at; one whose way is full all the same is owed the element until there is room. */
  #sendToAll(value: T): boolean {
    for (const reader of this.#targets) {
      if (!this.#sendTo(reader, value)) {
        reader.owed = value;
      }
    }
    return true;
  }

  #sendTo(reader: Reader<T>, value: T): boolean {
    const sequence = reader.stream.take(value);
    if (!this.#transmit(reader, sequence, value)) {
      reader.stream.untake();
      return false;
    }
    this.#watchProgress();
    return true;
  }

  #transmit(reader: Reader<T>, sequence: number, value: T): boolean {
    const element = { writer: this.#options.id, sequence, value, sizeBytes: 0 };
    try {
      if (!reader.subscriber.element(element)) {
        this.#hold(reader);
      }
    } catch (error) {
      if (error instanceof BackpressureError) {
        this.#hold(reader);
        return false;
      }
      throw error;
    }
    reader.stream.sentBytes += element.sizeBytes;
    return true;
  }

  #hold(reader: Reader<T>): void {
    if (reader.isHeld) {
      return;
    }
    reader.isHeld = true;
    reader.subscriber.ready().then(
      () => {
        reader.isHeld = false;
        if (reader.owed === undefined || this.#sendTo(reader, reader.owed)) {
          reader.owed = undefined;
          this.#pump();
        }
      },
      () => this.#lost(reader),
    );
  }

  #sendEnd(reader: Reader<T>): void {
    reader.stream.isEnded = true;
    reader.subscriber.end({ writer: this.#options.id, sequence: reader.stream.sent });
    this.#watchProgress();
  }

  #pump(): void {
    for (let write = this.#pending.peek(); write !== undefined; write = this.#pending.peek()) {
      if (this.isDeserted) {
        this.close(new StoppedError(`Nobody reads port "${this.#options.port}" any more.`));
        return;
      }
      if (!this.#send(write.value)) {
        return;
      }
      this.#pending.shift();
      this.written++;
      write.resolve();
    }
    this.#finish();
  }

  /** Everybody expected has joined, and everybody has left. */
  get isDeserted(): boolean {
    return this.#isComplete && this.#targets.length === 0;
  }

  #finish(): void {
    if (this.#ending === undefined || !this.#isComplete || this.#closed !== undefined) {
      return;
    }
    let isDone = true;
    for (const reader of this.#readers.values()) {
      if (!reader.stream.isEnded) {
        this.#sendEnd(reader);
      }
      isDone &&= reader.stream.isAcknowledged;
    }
    if (isDone) {
      this.#ending.resolve();
    }
  }

  // ---- what readers say

  #grant({ reader: id, items, bytes, received, hasGap }: v1.Grant): void {
    if (this.#closed !== undefined) {
      return;
    }
    const reader = this.#readers.get(id);
    if (reader === undefined) {
      this.#keepEarly({ reader: id, items, bytes, received, hasGap });
      return;
    }
    reader.stream.grant({ items, bytes, received, hasGap });
    if (hasGap) {
      this.#repair(reader);
    }
    if (reader.isLeaving && reader.stream.isAcknowledged) {
      this.#forget(reader);
    }
    this.#pump();
  }

  /** A reader that was told of this writer first grants before it is known here. */
  #keepEarly(grant: v1.Grant): void {
    if (this.#early.size < EARLY_GRANTS) {
      this.#early.set(grant.reader, grant);
    }
  }

  #repair(reader: Reader<T>): void {
    if (!this.#options.recovers) {
      this.#fail(`element ${reader.stream.received} was lost on the way to reader ${reader.id}`);
      return;
    }
    for (const { sequence, value } of reader.stream.unacknowledged()) {
      if (!this.#transmit(reader, sequence, value)) {
        return;
      }
    }
    if (reader.stream.isEnded) {
      this.#sendEnd(reader);
    }
  }

  #rewire(membership: v1.Membership, context: Context): number {
    if (this.#membership.accept(membership) === 'apply') {
      const present = new Set(membership.joined.map(({ id }) => id));
      const left = membership.isSnapshot ? [...this.#readers.keys()].filter((id) => !present.has(id)) : membership.left;
      for (const { id, ref } of membership.joined) {
        if (!this.#readers.has(id)) {
          this.#joined(id, required(ref), context);
        }
      }
      for (const id of left) {
        this.#left(id);
      }
      this.#isComplete = membership.isComplete;
      this.#retarget();
      this.#pump();
    }
    return this.#membership.nonce;
  }

  #joined(id: number, ref: v1.Ref, context: Context): void {
    const subscriber = context.ref(this.#service, ref);
    const stream = new OutgoingStream<T>(this.#options.isLossy && this.#options.recovers);
    this.#readers.set(id, { id, subscriber, stream, isHeld: false, owed: undefined, isLeaving: false });
    context.watch(subscriber);
    const early = this.#early.get(id);
    if (early !== undefined) {
      this.#early.delete(id);
      stream.grant(early);
    }
  }

  /** Takes a reader out: it gets no element more, but the end behind those that it was sent. */
  #left(id: number): void {
    const reader = this.#readers.get(id);
    if (reader === undefined) {
      return;
    }
    reader.isLeaving = true;
    if (!reader.stream.isEnded) {
      this.#sendEnd(reader);
    }
    if (reader.stream.isAcknowledged) {
      this.#forget(reader);
    }
  }

  #forget(reader: Reader<T>): void {
    this.#readers.delete(reader.id);
    this.#context?.unwatch(reader.subscriber);
    this.#finish();
  }

  #retarget(): void {
    this.#targets = [...this.#readers.values()]
      .filter((reader) => !reader.isLeaving)
      .sort((left, right) => left.id - right.id);
  }

  #terminated(cUid: bigint): void {
    for (const reader of this.#readers.values()) {
      if (reader.subscriber.toRef().cUid === cUid) {
        this.#lost(reader);
        return;
      }
    }
  }

  #lost(reader: Reader<T>): void {
    const isOwed = !reader.isLeaving && !reader.stream.isAcknowledged;
    this.#readers.delete(reader.id);
    this.#retarget();
    if (isOwed && this.#closed === undefined) {
      this.#fail(`reader ${reader.id} ended, or cannot be reached, before it had all that was sent to it`);
    } else {
      this.#finish();
    }
  }

  #fail(what: string): void {
    if (this.#closed === undefined) {
      const error = new PipelineError(`The stream of port "${this.#options.port}" failed: ${what}.`);
      this.close(error);
      this.#options.failed(error);
    }
  }

  // ---- asking after what may be lost

  #watchProgress(): void {
    if (this.#options.isLossy && this.#closed === undefined) {
      this.#probe ??= this.#context?.after(PROBE_MS, () => this.#askAfter());
    }
  }

  #askAfter(): void {
    this.#probe = undefined;
    for (const { subscriber, stream } of this.#readers.values()) {
      if (!stream.isAcknowledged || this.#pending.size > 0) {
        subscriber.probe({ writer: this.#options.id, sequence: stream.sent + (stream.isEnded ? 1 : 0) });
        this.#watchProgress();
      }
    }
  }
}

function isWritable<T>(reader: Reader<T>): boolean {
  return !reader.isHeld && reader.stream.hasCredit;
}

function required<T>(value: T | undefined): T {
  if (value === undefined) {
    throw new ProtocolError('A member of a port must carry its reference.');
  }
  return value;
}

function withResolvers(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve = (): void => {};
  let reject = (_error: Error): void => {};
  const promise = new Promise<void>((accept, refuse) => {
    resolve = accept;
    reject = refuse;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}
