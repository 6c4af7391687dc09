import { Lane } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { LinkHandlers } from '../transport.js';
import { creditPayload, type FrameKind } from './frame-format.js';
import { FrameParser, type FrameSink } from './frame-parser.js';
import { IncomingLane } from './incoming-lane.js';
import type { Slabs } from './slabs.js';

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
  readonly scheduler: Scheduler;
  readonly slabs: Slabs;
  /** A control message of the link has arrived. */
  onControl(kind: FrameKind, bytes: Uint8Array): void;
}

/** The receiving half of a link: it parses bytes and calls the handlers. Until the handlers are set it holds the frames; credit bounds them. */
export class Receiver implements FrameSink {
  readonly #owner: ReceiverOwner;
  readonly #parser: FrameParser;
  readonly #lanes: { readonly [L in Lane]: IncomingLane } = {
    [Lane.control]: new IncomingLane(),
    [Lane.data]: new IncomingLane(),
  };
  readonly #held: HeldFrame[] = [];
  #handlers: LinkHandlers | undefined;
  #bytesReceived = 0;

  constructor(owner: ReceiverOwner) {
    this.#owner = owner;
    this.#parser = new FrameParser(this, owner.slabs);
  }

  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  /** The handlers have had all frames received. */
  get isCaughtUp(): boolean {
    return this.#handlers !== undefined && this.#held.length === 0;
  }

  /** Parses the bytes that the socket has read. Throws ProtocolError for bytes that are not frames of this link. */
  read(bytes: Uint8Array): void {
    this.#parser.push(bytes);
    if (bytes.length < READ_BYTES) this.#parser.idle();
  }

  /** Delivers the held frames while `isOpen`, and from now on every frame as it arrives. */
  begin(handlers: LinkHandlers, isOpen: () => boolean): void {
    this.#handlers = handlers;
    for (const { lane, bytes } of this.#held.splice(0)) {
      if (isOpen()) this.#deliver(handlers, lane, bytes);
    }
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
    if (this.#handlers === undefined) this.#held.push({ lane, bytes: bytes.slice() });
    else this.#deliver(this.#handlers, lane, bytes);
  }

  creditRequested(lane: Lane): void {
    this.#lanes[lane].creditRequested();
  }

  onControl(kind: FrameKind, bytes: Uint8Array): void {
    this.#owner.onControl(kind, bytes);
  }

  /** An error of a handler goes to the scheduler. It must not stop the frames that follow. */
  #deliver(handlers: LinkHandlers, lane: Lane, bytes: Uint8Array): void {
    this.#bytesReceived += bytes.length;
    try {
      handlers.frame(lane, bytes);
    } catch (error) {
      this.#owner.scheduler.schedule(() => {
        throw error;
      });
    }
    this.#lanes[lane].wasRead(bytes.length);
  }
}
