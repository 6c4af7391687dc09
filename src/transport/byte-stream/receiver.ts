import { Lane } from '../../protocol/index.js';
import type { BufferPool } from '../buffer-pool.js';
import { IncomingLane } from '../incoming-lane.js';
import type { LinkLife } from '../link-life.js';
import { creditPayload, type FrameKind } from './frame-format.js';
import { FrameParser, type FrameSink } from './frame-parser.js';

/** The most that Node reads at a time. After a shorter read, the socket is empty. */
const READ_BYTES = 64 * 1024;

interface HeldFrame {
  readonly lane: Lane;
  readonly bytes: Uint8Array;
}

/** What a receiver needs from its link. */
export interface ReceiverOwner {
  /** The receiver stops when this is false. */
  readonly isReading: boolean;
  /** Frames are dropped when this is false; control messages are read on. */
  readonly isOpen: boolean;
  /** A control message of the link has arrived. */
  onControl(kind: FrameKind, bytes: Uint8Array): void;
}

/**
 * The receiving half of a link: it parses bytes and delivers frames. Until the handlers are set it holds copies of the frames, because the
 * memory that the stream has read into is used again; credit bounds them.
 */
export class Receiver implements FrameSink {
  readonly #owner: ReceiverOwner;
  readonly #life: LinkLife;
  readonly #parser: FrameParser;
  readonly #lanes: { readonly [L in Lane]: IncomingLane } = {
    [Lane.control]: new IncomingLane(),
    [Lane.data]: new IncomingLane(),
  };
  readonly #held: HeldFrame[] = [];
  #isDelivering = false;

  constructor(owner: ReceiverOwner, life: LinkLife, pool: BufferPool) {
    this.#owner = owner;
    this.#life = life;
    this.#parser = new FrameParser(this, pool);
  }

  /** The handlers have had all frames received. */
  get isCaughtUp(): boolean {
    return this.#isDelivering && this.#held.length === 0;
  }

  /** Parses the bytes that the socket has read. Throws ProtocolError for bytes that are not frames of this link. */
  read(bytes: Uint8Array): void {
    this.#parser.push(bytes);
    if (bytes.length < READ_BYTES) this.#parser.idle();
  }

  /** Delivers the held frames while the link is open, and from now on every frame as it arrives. */
  begin(): void {
    this.#isDelivering = true;
    for (const { lane, bytes } of this.#held.splice(0)) {
      if (this.#life.isOpen) this.#deliver(lane, bytes);
    }
  }

  /** The socket is closed: frees the memory of what has arrived in part. */
  close(): void {
    this.#parser.close();
  }

  /** True if frames were read that the peer does not know of. */
  get hasUngranted(): boolean {
    return this.#lanes[Lane.control].hasUngranted || this.#lanes[Lane.data].hasUngranted;
  }

  /** True if so much was read, or the peer has requested it, that it should receive a grant now. */
  get shouldGrant(): boolean {
    return this.#lanes[Lane.control].shouldGrant || this.#lanes[Lane.data].shouldGrant;
  }

  /** Returns the payload of a grant for all frames read. */
  takeGrant(): Uint8Array {
    const control = this.#lanes[Lane.control];
    const data = this.#lanes[Lane.data];
    control.granted();
    data.granted();
    return creditPayload(control.read, data.read);
  }

  // ---- FrameSink

  get isReading(): boolean {
    return this.#owner.isReading;
  }

  admit(lane: Lane, sizeBytes: number): void {
    this.#lanes[lane].admit(sizeBytes);
  }

  frame(lane: Lane, bytes: Uint8Array): void {
    if (!this.#owner.isOpen) return;
    if (this.#isDelivering) this.#deliver(lane, bytes);
    else this.#held.push({ lane, bytes: bytes.slice() });
  }

  creditRequested(lane: Lane): void {
    this.#lanes[lane].creditRequested();
  }

  onControl(kind: FrameKind, bytes: Uint8Array): void {
    this.#owner.onControl(kind, bytes);
  }

  #deliver(lane: Lane, bytes: Uint8Array): void {
    this.#life.deliver(lane, bytes);
    this.#lanes[lane].wasRead(bytes.length);
  }
}
