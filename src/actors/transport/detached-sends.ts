import { BackpressureError, MillraceError, ProtocolError, ResourceError } from '../../errors.js';
import { messageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import type { Scheduler } from '../../scheduler/index.js';
import {
  AttachedFields,
  attachFields,
  type AnyMethod,
  type DetachedField,
  DetachedFields,
  detachFields,
  encode,
  EnvelopeHeader,
  EnvelopeMode,
  type EnvelopePrefix,
  type Lane,
  type MessageType,
  v1,
} from '../../protocol/index.js';
import type { PeerLife, StoredFields } from './message-fields.js';
import { HeldUpSends } from './held-up-sends.js';
import type { Outbox } from './outbox.js';
import type { Expirable } from './queued-frame.js';
import { droppable, isCarrier, type Sending } from './sending.js';
import { type FieldServices, SharedPool } from './shared-pool.js';
import { type WaitingSend, WaitingSends } from './waiting-sends.js';

/** Whether the peer takes fields beside messages is not known before its hello. */
type Peer = { readonly kind: 'unknown' | 'none' } | { readonly kind: 'takes'; readonly life: PeerLife };

const UNKNOWN: Peer = { kind: 'unknown' };
const NONE: Peer = { kind: 'none' };

/**
 * The large `bytes` fields of messages to one peer. They are copied into a pool, unless they lie in one, and the envelope says where they are. An
 * envelope waits here while its peer is not known, or its fields wait for memory. What follows it to the same receiver waits behind it.
 *
 *     first attempt -- no large field --> in the open frame
 *          | large fields
 *          |---- memory is free, and the peer is known --> stored, described, in the open frame
 *          `---- else: copied, waits by its key ---------> the same later
 *
 * A receiver that holds its share of the pool gets more when it has freed some of it: until then, its messages wait here. Where others hold too much
 * of it, they wait for `allocateTimeoutMs`.
 * A link that may lose frames carries all fields in its frames: nobody would know which descriptions have arrived.
 */
export class DetachedSends {
  readonly #services: FieldServices;
  readonly #outbox: (lane: Lane) => Outbox;
  readonly #written: () => void;
  readonly #scheduler: Scheduler;
  readonly #detaching = new DetachedFields(limits.inlineFieldBytes);
  readonly #waiting = new WaitingSends();
  readonly #pool: SharedPool;
  readonly #heldUp: HeldUpSends;
  #isWakePlanned = false;
  /** What the peer holds, or may have lost with the link, by the numbers of the objects. */
  readonly #inFlight = new Map<number, v1.RemoteDescriptor>();
  /** Those that wait for memory now. */
  readonly #storing = new WeakSet<WaitingSend>();
  #hello: v1.Hello | undefined;
  #isLossy = false;
  /** The peer takes no fields beside messages, as far as is known. */
  #isRefused = false;
  #isClosed = false;

  /** `written` is called when an envelope that had waited waits no more. */
  constructor(services: FieldServices, outbox: (lane: Lane) => Outbox, written: () => void, scheduler: Scheduler) {
    this.#services = services;
    this.#pool = new SharedPool(services, () => this.#freed());
    this.#outbox = outbox;
    this.#written = written;
    this.#scheduler = scheduler;
    this.#heldUp = new HeldUpSends(scheduler, (first) => this.#late(first));
  }

  /** What a first attempt leaves out; undefined where all fields go into the frame. */
  get #firstDetaching(): DetachedFields | undefined {
    return this.#isRefused || this.#services.fields === undefined ? undefined : this.#detaching;
  }

  /** The first attempt. False when the envelope has to wait behind others of its key, or has large fields: then `send` must follow. */
  isWritten(
    lane: Lane,
    envelope: EnvelopeHeader | EnvelopePrefix,
    type: MessageType<unknown, unknown> | undefined,
    message: unknown,
    isReserved: boolean,
    key: unknown,
    call?: Expirable,
  ): boolean {
    if (this.#waiting.has(key)) return false;
    if (envelope.mode !== EnvelopeMode.link) envelope.detaching = this.#firstDetaching;
    return this.#outbox(lane).write(envelope, type, message, isReserved, call);
  }

  /** Of the envelopes that wait. */
  get waitingBytes(): number {
    return this.#waiting.bytes;
  }

  /** Tells that wait. */
  get tells(): number {
    return this.#waiting.tells;
  }

  /** One more envelope with this key would wait, or was refused a moment ago. */
  isHeldUp(key: unknown): boolean {
    return this.#waiting.isHeldUp(key);
  }

  /** Resolves when nothing with this key waits any more; undefined when nothing does. */
  idle(key: unknown): Promise<void> | undefined {
    return this.#waiting.idle(key);
  }

  /** The link loses frames. */
  lossy(): void {
    this.#isLossy = true;
    this.#learned();
  }

  /** The peer has said who it is, and what it takes. */
  introduced(hello: v1.Hello): void {
    this.#hello = hello;
    this.#learned();
  }

  get #peer(): Peer {
    // This partition may get its ordinal after the hello of the peer.
    if (this.#isRefused || this.#services.fields === undefined) return NONE;
    const { ordinal, incarnation } = this.#hello ?? {};
    return ordinal === undefined || incarnation === undefined
      ? UNKNOWN
      : { kind: 'takes', life: { ordinal, incarnation } };
  }

  /**
   * Sends an envelope that has large fields, or waits behind others. Returns the encoded size of its message. Throws BackpressureError at the bound
   * of what waits, ResourceError for fields that no pool will ever hold, and ProtocolError for what cannot be sent.
   */
  send(sending: Sending): number {
    const { type, message, key, header } = sending;
    if (isCarrier(type) && !this.#waiting.has(key)) return this.#writeInline(sending);
    const { encoded, fields } =
      type === undefined ? { encoded: undefined, fields: [] } : detachFields(type, message, limits.inlineFieldBytes);
    const large = fields.map(({ bytes }) => bytes);
    const sizeBytes = large.reduce((sum, { length }) => sum + length, encoded?.length ?? 0);
    const peer = this.#peer;
    const stored = this.#mayStoreNow(peer, key, large) ? this.#pool.storeNow(key, large) : undefined;
    if (stored !== undefined && peer.kind === 'takes' && !this.#waiting.has(key)) {
      this.#writeStored(sending, fields, stored, peer.life);
      return sizeBytes;
    }
    if (!sending.isReserved && this.waitingBytes > 0 && this.waitingBytes + sizeBytes > limits.linkLargeBytes) {
      stored?.[Symbol.dispose]();
      this.#waiting.refuse(key);
      throw new BackpressureError(
        `${this.waitingBytes} bytes of large messages already wait for memory or for their link (linkLargeBytes); wait for ready() and send again.`,
      );
    }
    const kept = stored?.bytes ?? large.map((bytes) => bytes.slice());
    const copy =
      type && encoded && attachFields(type, encoded, new AttachedFields(byPosition(fields, kept), 'as they are'));
    const own = Object.assign(new EnvelopeHeader(), header, { detaching: undefined });
    this.#wait({ ...sending, header: own, message: copy, fields: kept, sizeBytes, stored });
    return sizeBytes;
  }

  /**
   * Before the peer is known, what is sent waits: it lies in the pool meanwhile where there is memory. Nothing is stored behind what is not: that would
   * wait for the share that is held behind it.
   */
  #mayStoreNow(peer: Peer, key: unknown, fields: readonly Uint8Array[]): boolean {
    if (fields.length === 0 || peer.kind === 'none') return false;
    return !this.#waiting.has(key) || (peer.kind === 'unknown' && this.#waiting.last(key)?.stored !== undefined);
  }

  /** Ends: what waits is not sent. Returns the tells among it. */
  close(): readonly { readonly cUid: bigint; readonly method: AnyMethod; readonly message: unknown }[] {
    this.#isClosed = true;
    this.#heldUp.close();
    const waiting = this.#waiting.clear();
    const tells = waiting.flatMap(({ tell, message, stored }) =>
      tell === undefined ? [] : [{ ...tell, message: stored === undefined ? message : undefined }],
    );
    for (const { stored } of waiting) stored?.[Symbol.dispose]();
    const peer = this.#peer;
    if (peer.kind === 'takes') this.#services.fields?.settle([...this.#inFlight.values()], peer.life);
    this.#inFlight.clear();
    return tells;
  }

  /** Removes what waits with this key, of a stream. Returns how many elements that are. */
  drop(key: unknown): number {
    const dropped = this.#waiting.drop(key);
    this.#heldUp.delete(key);
    for (const { stored } of dropped) stored?.[Symbol.dispose]();
    return dropped.filter(({ header }) => header.mode === EnvelopeMode.element).length;
  }

  #learned(): void {
    const { ordinal, takesDetachedFields = true } = this.#hello ?? {};
    const isTaken = this.#hello === undefined || (ordinal !== undefined && takesDetachedFields);
    this.#isRefused = this.#isLossy || !isTaken;
    for (const key of this.#waiting.keys()) void this.#send(key);
  }

  #writeInline({ header, type, message, lane, isReserved, call }: Sending): number {
    header.detaching = undefined;
    this.#outbox(lane).write(header, type, message, isReserved, call);
    return header.valueBytes;
  }

  #wait(waiting: WaitingSend): void {
    if (this.#waiting.add(waiting)) void this.#send(waiting.key);
  }

  /** Sends what waits with one key, in order. One run of it waits for memory at a time: that of the first envelope. */
  async #send(key: unknown): Promise<void> {
    for (let first = this.#waiting.first(key); first !== undefined; first = this.#waiting.first(key)) {
      if (this.#peer.kind === 'unknown') return;
      const mayStore = this.#peer.kind === 'takes' && first.fields.length > 0 && first.stored === undefined;
      // What nobody waits for any more waits for no memory.
      const isOver = first.renewed?.(first.header) === false;
      if (!mayStore || isOver) this.#leave(first);
      else if (!(await this.#stored(first))) return;
    }
  }

  /** A receiver has freed something: what is held up may be sent, once for all that is freed in this turn. */
  #freed(): void {
    if (this.#heldUp.isEmpty || this.#isWakePlanned) return;
    this.#isWakePlanned = true;
    void Promise.resolve().then(() => {
      this.#isWakePlanned = false;
      for (const key of this.#heldUp.take()) void this.#send(key);
    });
  }

  /** What waits for its own receiver waits on. Where others hold what it needs, nobody knows for how long. */
  #late(first: WaitingSend): void {
    const { key, sizeBytes } = first;
    if (this.#pool.heldBy(key) > 0) return;
    this.#heldUp.delete(key);
    const what = `${sizeBytes} bytes were not sent: for ${limits.allocateTimeoutMs} ms, other receivers over the same link`;
    this.#fail(
      first,
      new ResourceError(
        `${what} held more of the pool than leaves room for them (allocateTimeoutMs). Split the message.`,
      ),
    );
    void this.#send(key);
  }

  /** False when this run must not go on: another one waits for the memory already, or the receiver has its share. */
  async #stored(first: WaitingSend): Promise<boolean> {
    if (this.#storing.has(first)) return false;
    const storing = this.#pool.store(first.key, first.fields);
    if (storing === undefined) {
      this.#heldUp.add(first);
      return false;
    }
    this.#storing.add(first);
    try {
      const stored = await storing;
      if (!this.#isClosed && this.#waiting.first(first.key) === first) first.stored = stored;
      else stored[Symbol.dispose]();
    } catch (error) {
      this.#fail(first, error);
    }
    return !this.#isClosed;
  }

  #fail(waiting: WaitingSend, error: unknown): void {
    this.#waiting.left(waiting);
    waiting.stored?.[Symbol.dispose]();
    if (this.#isClosed) return;
    waiting.failed(asMillraceError(error));
    this.#written();
  }

  #leave(waiting: WaitingSend): void {
    const { header, stored, renewed } = waiting;
    // Before `failed`, which may remove what waits behind it.
    this.#waiting.left(waiting);
    try {
      if (renewed?.(header) === false) stored?.[Symbol.dispose]();
      else this.#writeWaiting(waiting);
    } catch (error) {
      waiting.failed(asMillraceError(error));
    }
    this.#written();
  }

  #writeWaiting(waiting: WaitingSend): void {
    const { header, type, message, stored, lane, call } = waiting;
    if (header.sentMs >= 0) header.sentMs = this.#scheduler.now();
    const peer = this.#peer;
    if (stored !== undefined && type !== undefined && peer.kind === 'takes') {
      const { fields } = detachFields(type, message, limits.inlineFieldBytes);
      this.#writeStored({ ...waiting, isReserved: true }, fields, stored, peer.life);
      return;
    }
    this.#outbox(lane).write(header, type, message, true, call);
    stored?.[Symbol.dispose]();
  }

  /** Takes the stored fields over. */
  #writeStored(sending: Sending, fields: readonly DetachedField[], stored: StoredFields, to: PeerLife): void {
    const { header, type, message, lane, isReserved, call } = sending;
    let number = 0;
    let value: v1.RemoteDescriptor;
    try {
      value = stored.describe(to, `messages ${type?.typeName ?? ''}`, () => this.#inFlight.delete(number));
    } finally {
      stored[Symbol.dispose]();
    }
    number = value.object?.number ?? 0;
    header.detaching = this.#detaching;
    header.detached = encode(
      v1.DetachedFields,
      v1.DetachedFields.create({ positions: fields.map(({ position }) => position), value }),
    );
    this.#inFlight.set(number, value);
    try {
      const dropped = (): void => this.#services.fields?.settle([value], to);
      this.#outbox(lane).write(header, type, message, isReserved, call && droppable(call, dropped));
    } catch (error) {
      this.#services.fields?.unsent(value, to);
      throw error;
    }
  }
}

function byPosition(fields: readonly DetachedField[], bytes: readonly Uint8Array[]): ReadonlyMap<number, Uint8Array> {
  return new Map(fields.map(({ position }, index) => [position, bytes[index] ?? new Uint8Array(0)]));
}

function asMillraceError(error: unknown): MillraceError {
  return error instanceof MillraceError ? error : new ProtocolError(messageOf(error), { cause: error });
}
