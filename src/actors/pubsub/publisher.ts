import { BackpressureError, type MillraceError, PipelineError, StoppedError } from '../../errors.js';
import { errorOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import { type MessageType, v1 } from '../../protocol/index.js';
import type { Timer } from '../../scheduler/index.js';
import { type Behavior, behavior, type Context } from '../kernel/index.js';
import { Distribution } from './distribution.js';
import { Ending } from './ending.js';
import { Fifo } from './fifo.js';
import { OutgoingReaders } from './outgoing-readers.js';
import type { Policy } from './policy.js';

export interface PublisherOptions<T, Init = T> {
  /** Name of the port, for messages. */
  readonly port: string;
  /** Id of this writer within the port. */
  readonly id: number;
  readonly type: MessageType<T, Init>;
  readonly policy: Policy;
  /** Of the policy `hash`: elements of one key go to one reader. */
  readonly key?: ((value: T) => string | number | bigint) | undefined;
  /** Links may lose frames: what was sent is asked after, and kept for sending again where `recovers` says so. */
  readonly isLossy: () => boolean;
  /** A lost element is sent again; otherwise it fails the stream. */
  readonly recovers: boolean;
  /** The stream has failed: an element was lost, or a reader. Called once. */
  readonly failed: (error: MillraceError) => void;
}

interface PendingWrite<T> {
  readonly value: T;
  resolve(): void;
  reject(error: unknown): void;
}

/** Silence after which a writer asks a reader what has arrived, in ms: one that has granted nothing yet, and any on links that may lose frames. */
const PROBE_MS = 200;
const WRITTEN = Promise.resolve();

/**
 * The writing end of a port: hands each element to the readers that the policy names, as far as they have granted credit; `write` waits
 * for the rest. No element passes through anyone else.
 */
export class Publisher<T, Init = T> {
  /** Elements accepted by `write` and handed on. */
  written = 0;
  readonly #options: PublisherOptions<T, Init>;
  readonly #readers: OutgoingReaders<T>;
  readonly #distribution: Distribution<T>;
  readonly #pending = new Fifo<PendingWrite<T>>();
  #ending: Ending | undefined;
  #closed: Error | undefined;
  #context: Context | undefined;
  #probe: Timer | undefined;

  constructor(options: PublisherOptions<T, Init>) {
    this.#options = options;
    this.#distribution = new Distribution(options.policy, options.key);
    this.#readers = new OutgoingReaders({
      writer: options.id,
      type: options.type,
      keeps: () => options.recovers && options.isLossy(),
      changed: () => this.#changed(),
      lost: ({ id }) => this.#fail(`reader ${id} ended, or cannot be reached, before it had the end of the stream`),
    });
  }

  /** Writes that wait for credit. */
  get queued(): number {
    return this.#pending.size;
  }

  /** Everybody expected has joined, and everybody has left. */
  get isDeserted(): boolean {
    return this.#readers.isComplete && this.#readers.targets.length === 0;
  }

  /** The actor that readers and the manifold speak to. */
  behavior(): Behavior<typeof v1.Publisher, undefined> {
    return behavior(v1.Publisher, {
      supervision: 'resume',
      rewire: (_state, membership, context) => ({ nonce: this.#readers.rewire(membership, context) }),
      grant: (_state, grant) => this.#grant(grant),
      on: {
        started: (_state, context) => {
          this.#context = context;
        },
        terminated: (_state, { ref, reason }) => this.#readers.terminated(ref.toRef().cUid, reason),
      },
    });
  }

  /**
   * Hands one element on; resolves when a reader's credit covers it. Rejects with StoppedError when nobody will read it any more, with
   * ProtocolError when the type cannot encode it, and with BackpressureError when `limits.pendingWrites` writes wait already: await
   * each write.
   */
  write(init: Init): Promise<void> {
    if (this.isDeserted) {
      this.#desert();
    }
    if (this.#closed !== undefined) {
      return Promise.reject(this.#closed);
    }
    if (this.#ending !== undefined) {
      return Promise.reject(
        new StoppedError(`Port "${this.#options.port}" has ended; nothing can be written to it any more.`),
      );
    }
    try {
      // Filled here, so that a reader sees the same whether it is near or far, and a copy of its own.
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

  /** Ends the stream in band; resolves when every reader has all of it. */
  end(): Promise<void> {
    if (this.#closed !== undefined) {
      return Promise.reject(this.#closed);
    }
    if (this.#ending === undefined) {
      this.#ending = new Ending();
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

  #wait(value: T): Promise<void> {
    if (this.#pending.size >= limits.pendingWrites) {
      const message = `${limits.pendingWrites} writes to port "${this.#options.port}" wait already; await each write.`;
      throw new BackpressureError(message);
    }
    return new Promise((resolve, reject) => {
      this.#pending.push({ value, resolve, reject });
      this.#watchProgress();
    });
  }

  #send(value: T): boolean {
    if (!this.#readers.isComplete || this.#distribution.targets.length === 0) {
      return false;
    }
    try {
      const isSent = this.#distribution.send(value);
      if (isSent) {
        this.#watchProgress();
      }
      return isSent;
    } catch (error) {
      if (error instanceof PipelineError) {
        this.#fail(error.message);
      }
      throw error;
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
      if (this.isDeserted) {
        this.#desert();
        return;
      }
      try {
        if (!this.#send(write.value)) {
          return;
        }
        this.written++;
        write.resolve();
      } catch (error) {
        write.reject(error);
      }
      this.#pending.shift();
    }
    this.#finish();
  }

  #desert(): void {
    this.close(new StoppedError(`Nobody reads port "${this.#options.port}" any more.`));
  }

  #finish(): void {
    if (
      this.#ending === undefined ||
      this.#closed !== undefined ||
      this.#pending.size > 0 ||
      (!this.#readers.isComplete && !this.#ending.isDone)
    ) {
      return;
    }
    let isDone = true;
    for (const reader of this.#readers.all()) {
      reader.end();
      isDone &&= reader.isDone;
    }
    if (isDone) {
      this.#ending.resolve();
    } else {
      this.#watchProgress();
    }
  }

  // ---- what readers say

  #grant(grant: v1.Grant): void {
    if (this.#closed !== undefined) {
      return;
    }
    const reader = this.#readers.granted(grant);
    if (reader === undefined) {
      return;
    }
    if (grant.hasGap && this.#options.recovers) {
      reader.repair();
    } else if (grant.hasGap) {
      this.#fail(`element ${reader.received} was lost on the way to reader ${reader.id}`);
    }
    if (reader.isLeaving && reader.isDone) {
      this.#readers.forget(reader);
    }
    this.#pump();
  }

  #fail(what: string): void {
    if (this.#closed === undefined) {
      const error = new PipelineError(`The stream of port "${this.#options.port}" failed: ${what}.`);
      this.close(error);
      this.#options.failed(error);
    }
  }

  // ---- asking after what may be lost

  #watchProgress(isDue = this.#options.isLossy()): void {
    if (isDue && this.#closed === undefined) {
      this.#probe ??= this.#context?.after(PROBE_MS, () => this.#askAfter());
    }
  }

  /** A first grant is lost on any link, where the reader could open none to this writer, which may reach the reader all the same. */
  #askAfter(): void {
    this.#probe = undefined;
    const isLossy = this.#options.isLossy();
    for (const reader of this.#readers.all()) {
      if (!reader.isOpen || (isLossy && (!reader.isAcknowledged || this.#pending.size > 0))) {
        reader.probe();
        this.#watchProgress(true);
      }
    }
  }
}
