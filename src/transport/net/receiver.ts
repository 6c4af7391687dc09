import { Lane } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { LinkHandlers } from '../transport.js';
import { creditPayload, type FrameKind } from './frame-format.js';
import { FrameParser, type FrameSink } from './frame-parser.js';
import { IncomingLane } from './incoming-lane.js';
import type { Slabs } from './slabs.js';

/** The most that Node reads at a time: after less, the socket is empty. */
const READ_BYTES = 64 * 1024;

interface HeldFrame {
  readonly lane: Lane;
  readonly bytes: Uint8Array;
}

/** What a receiver needs of its link. */
export interface ReceiverOwner {
  /** Nothing is read any more once this is false. */
  readonly isReading: boolean;
  readonly scheduler: Scheduler;
  readonly slabs: Slabs;
  /** A frame of the link itself has come. */
  word(kind: FrameKind, bytes: Uint8Array): void;
}

/** The receiving half of a link: from bytes to handlers. What comes before there are any is held, as much as its sender has credit for. */
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

  /** Handlers have had all that came. */
  get isCaughtUp(): boolean {
    return this.#handlers !== undefined && this.#held.length === 0;
  }

  /** What the socket has read. Throws ProtocolError for bytes that are no frames of this link. */
  read(bytes: Uint8Array): void {
    this.#parser.push(bytes);
    if (bytes.length < READ_BYTES) this.#parser.rest();
  }

  /** Hands out what was held, while `isOpen`, and from now on whatever comes. */
  begin(handlers: LinkHandlers, isOpen: () => boolean): void {
    this.#handlers = handlers;
    for (const { lane, bytes } of this.#held.splice(0)) {
      if (isOpen()) this.#deliver(handlers, lane, bytes);
    }
  }

  /** Payload of a grant, when the peer should be told what was read. */
  takeGrant(): Uint8Array | undefined {
    const control = this.#lanes[Lane.control];
    const data = this.#lanes[Lane.data];
    if (!control.owesGrant && !data.owesGrant) return undefined;
    control.granted();
    data.granted();
    return creditPayload(control.read, data.read);
  }

  // ---- what the parser finds

  get isReading(): boolean {
    return this.#owner.isReading;
  }

  admit(lane: Lane, sizeBytes: number): void {
    this.#lanes[lane].admit(sizeBytes);
  }

  frame(lane: Lane, bytes: Uint8Array): void {
    if (this.#handlers === undefined) this.#held.push({ lane, bytes: bytes.slice() });
    else this.#deliver(this.#handlers, lane, bytes);
  }

  want(lane: Lane): void {
    this.#lanes[lane].want();
  }

  word(kind: FrameKind, bytes: Uint8Array): void {
    this.#owner.word(kind, bytes);
  }

  /** What a handler throws is the scheduler's affair, and must not stop what comes behind. */
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
