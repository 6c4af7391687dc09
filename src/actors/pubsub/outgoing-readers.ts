import type { MessageType, Ref, v1 } from '../../protocol/index.js';
import { ReplicaMirror } from '../control-plane/index.js';
import type { Context, TerminationReason } from '../kernel/index.js';
import { type SubscriberService, subscriberService } from './element.js';
import { referenceOf } from './member.js';
import { OutgoingReader } from './outgoing-reader.js';

export interface OutgoingReadersOptions<T> {
  /** Id of the writer within the port. */
  readonly writer: number;
  readonly type: MessageType<T, unknown>;
  /** Keeps what is not acknowledged, to send it again. */
  readonly keeps: () => boolean;
  /** Readers have come, gone, or have room again. */
  readonly changed: () => void;
  /** A reader has gone, or cannot be reached any more, and what it was to have is lost. */
  readonly lost: (reader: OutgoingReader<T>) => void;
}

/** Grants of readers not known yet that are kept. */
const EARLY_GRANTS = 1_024;

/** Everybody who reads from one writer, as the manifold tells it: those that elements go to, and those that leave. */
export class OutgoingReaders<T> {
  /** Everybody who is expected has joined. */
  isComplete = false;
  readonly #options: OutgoingReadersOptions<T>;
  readonly #service: SubscriberService<T>;
  readonly #membership = new ReplicaMirror();
  readonly #readers = new Map<number, OutgoingReader<T>>();
  readonly #early = new Map<number, v1.Grant>();
  #targets: readonly OutgoingReader<T>[] = [];
  #context: Context | undefined;

  constructor(options: OutgoingReadersOptions<T>) {
    this.#options = options;
    this.#service = subscriberService(options.type);
  }

  /** Readers that elements go to, in the order of their ids; those that leave are not among them. */
  get targets(): readonly OutgoingReader<T>[] {
    return this.#targets;
  }

  /** Each has granted something. */
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

  /** The reader that grants. One that was told of this writer first grants before it is known here; that is kept for it. */
  granted(grant: v1.Grant): OutgoingReader<T> | undefined {
    const reader = this.#readers.get(grant.reader);
    if (reader !== undefined) {
      reader.grant(grant);
    } else if (this.#early.size < EARLY_GRANTS) {
      this.#early.set(grant.reader, grant);
    }
    return reader;
  }

  /** Returns the nonce that it is at now. ProtocolError for a member without its reference. */
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
      this.#endThoseLeaving();
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

  /** It has all that it will ever get. */
  forget(reader: OutgoingReader<T>): void {
    this.#readers.delete(reader.id);
    this.#context?.unwatch(reader.subscriber);
  }

  #joined(id: number, ref: Ref, context: Context): void {
    const { writer, keeps, changed } = this.#options;
    const subscriber = context.ref(this.#service, ref);
    const reader = new OutgoingReader<T>({ writer, id, subscriber, keeps: keeps(), hasRoom: changed });
    this.#readers.set(id, reader);
    context.watch(subscriber);
    const early = this.#early.get(id);
    if (early !== undefined) {
      this.#early.delete(id);
      reader.grant(early);
    }
  }

  /**
   * Who leaves gets no element more, but the end behind those that it was sent. Not before those have joined who are to go on in its
   * place: until then its own readers may know of nobody but it, and would take its end for the end of all.
   */
  #endThoseLeaving(): void {
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
   * Who ends well leaves first, or has the end. One that did neither may run still behind a link that is cut, and would take what it
   * has for all there is; so would one that leaves, where what was sent to it may be lost with the link.
   */
  #lost(reader: OutgoingReader<T>, reason: TerminationReason): void {
    this.#readers.delete(reader.id);
    this.#retarget();
    const hasLeft = reader.isLeaving && (reason === 'stopped' || reader.hasAllElements);
    if (hasLeft || reader.isDone) {
      this.#options.changed();
    } else {
      this.#options.lost(reader);
    }
  }

  #retarget(): void {
    this.#targets = [...this.#readers.values()]
      .filter((reader) => !reader.isLeaving)
      .sort((left, right) => left.id - right.id);
  }
}
