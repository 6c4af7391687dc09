import type { Ref, v1 } from '../../protocol/index.js';
import { ReplicaMirror } from '../control-plane/index.js';
import type { Context, TerminationReason } from '../kernel/index.js';
import type { Addressing } from './addressing.js';
import { type ElementType, type SubscriberService, subscriberService } from './element.js';
import { referenceOf } from './member.js';
import { OutgoingReader } from './outgoing-reader.js';

export interface OutgoingReadersOptions<T> {
  /** Id of the writer within the port. */
  readonly writer: number;
  readonly type: ElementType<T>;
  /** Keep unacknowledged elements, to resend them. */
  readonly keeps: () => boolean;
  readonly addressing: Addressing<T> | undefined;
  /** Called when readers have joined, left, or have room again. */
  readonly changed: () => void;
  /** Called when an element was sent that a reader may be unable to read. */
  readonly unsure: () => void;
  /** Called when a reader has ended or become unreachable before it had everything: this many elements may not have reached it. */
  readonly lost: (reader: OutgoingReader<T>, elements: number) => void;
}

/** Whether a grant comes from the partition of a reader. */
export type IsSender = (reader: Ref) => boolean;

/** Most grants that are kept for readers not known yet. */
const EARLY_GRANTS = 1_024;

/** All readers of one writer, by the membership that the manifold sends: those that get elements, and those that are leaving. */
export class OutgoingReaders<T> {
  /** All expected readers have joined. */
  isComplete = false;
  readonly #options: OutgoingReadersOptions<T>;
  readonly #service: SubscriberService<T>;
  readonly #membership = new ReplicaMirror();
  readonly #readers = new Map<number, OutgoingReader<T>>();
  readonly #early = new Map<number, { readonly grant: v1.Grant; readonly isSender: IsSender }>();
  #targets: readonly OutgoingReader<T>[] = [];
  #context: Context | undefined;

  constructor(options: OutgoingReadersOptions<T>) {
    this.#options = options;
    this.#service = subscriberService(options.type);
  }

  /** The readers that get elements, ordered by id. Leaving readers are not among them. */
  get targets(): readonly OutgoingReader<T>[] {
    return this.#targets;
  }

  /** All readers have granted credit. */
  get areOpen(): boolean {
    for (const reader of this.#readers.values()) {
      if (!reader.isOpen) {
        return false;
      }
    }
    return true;
  }

  all(): IterableIterator<OutgoingReader<T>> {
    return this.#readers.values();
  }

  /** Applies a grant, and returns its reader. A reader may learn of this writer first: its early grant is kept until it joins here. */
  granted(grant: v1.Grant, isSender: IsSender): OutgoingReader<T> | undefined {
    const reader = this.#readers.get(grant.reader);
    if (reader === undefined) {
      if (this.#early.size < EARLY_GRANTS) this.#early.set(grant.reader, { grant, isSender });
      return undefined;
    }
    if (!isSender(reader.subscriber.toRef())) return undefined;
    reader.grant(grant);
    return reader;
  }

  /** Applies a membership, and returns its current nonce. Throws ProtocolError for a member without a reference. */
  rewire(membership: v1.Membership, context: Context): number {
    const joined = membership.joined.map((member) => ({ id: member.id, ref: referenceOf(member) }));
    if (this.#membership.accept(membership) === 'apply') {
      this.#context = context;
      const present = new Set(joined.map(({ id }) => id));
      const left = membership.isSnapshot ? [...this.#readers.keys()].filter((id) => !present.has(id)) : membership.left;
      for (const { id, ref } of joined) {
        if (!this.#readers.has(id)) {
          this.#joined(id, ref, context);
        }
      }
      for (const id of left) {
        const reader = this.#readers.get(id);
        if (reader !== undefined) {
          reader.isLeaving = true;
        }
      }
      this.isComplete = membership.isComplete;
      this.#endLeaving();
      this.#retarget();
      this.#options.changed();
    }
    return this.#membership.nonce;
  }

  terminated(cUid: bigint, reason: TerminationReason): void {
    for (const reader of this.#readers.values()) {
      if (reader.subscriber.toRef().cUid === cUid) {
        this.#lost(reader, reason);
        return;
      }
    }
  }

  /** Removes a reader that has received everything, or was lost. */
  forget(reader: OutgoingReader<T>): void {
    this.#readers.delete(reader.id);
    this.#context?.unwatch(reader.subscriber);
  }

  /** The writer is closed. */
  close(): void {
    for (const reader of this.#readers.values()) reader.abandon();
  }

  #joined(id: number, ref: Ref, context: Context): void {
    const { writer, type, keeps, changed, unsure, addressing } = this.#options;
    const subscriber = context.ref(this.#service, ref);
    const reader = new OutgoingReader<T>({
      writer,
      id,
      type,
      subscriber,
      keeps: keeps(),
      addressing,
      hasRoom: changed,
      unsure,
    });
    this.#readers.set(id, reader);
    context.watch(subscriber);
    const early = this.#early.get(id);
    if (early !== undefined) {
      this.#early.delete(id);
      if (early.isSender(ref)) reader.grant(early.grant);
    }
  }

  /**
   * Sends the end to leaving readers, once the membership is complete. Before that, the replacements of a leaving reader may not have
   * joined. Its own downstream readers would know no other writer, and would take its end for the end of the whole stream.
   */
  #endLeaving(): void {
    for (const reader of this.#readers.values()) {
      if (reader.isLeaving && this.isComplete) {
        reader.end();
        if (reader.isDone) {
          this.forget(reader);
        }
      }
    }
  }

  /**
   * A reader that ends in order has left before, or has received the end. Any other reader may still run behind a cut link, and would
   * take the elements that it has for the whole stream. So would a leaving reader, if elements to it were lost with the link.
   */
  #lost(reader: OutgoingReader<T>, reason: TerminationReason): void {
    this.forget(reader);
    this.#retarget();
    const hasLeft = reader.isLeaving && (reason !== 'unreachable' || reader.hasAllElements);
    const elements = reader.abandon();
    if (hasLeft || reader.isDone) {
      this.#options.changed();
    } else {
      this.#options.lost(reader, elements);
    }
  }

  #retarget(): void {
    this.#targets = [...this.#readers.values()]
      .filter((reader) => !reader.isLeaving)
      .sort((left, right) => left.id - right.id);
  }
}
