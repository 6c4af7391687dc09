import { ConfigError, ProtocolError } from '../../errors.js';
import { limits } from '../../limits.js';
import { Lane } from '../../protocol/index.js';
import type { CloseReason, Link, LinkHandlers } from '../transport.js';
import { poison } from './buffers.js';
import type { Environment } from './environment.js';
import { isReliable } from './faults.js';
import type { Faults } from './faults.js';
import { LaneFlow } from './lane-flow.js';
import type { Crossing } from './lane-flow.js';
import type { TracedLink } from './trace.js';

/** A message's own frame may be longer than the message by what frames it. */
const LARGEST_FRAME_BYTES = limits.maxMessageBytes + limits.frameBytes;

/** What a link needs of the cable that it is one end of. */
export interface CableEnd {
  readonly isCut: boolean;
  /** The other end; undefined only while the cable is being made. */
  peer(): MemoryLink | undefined;
  /** This end was closed by its owner. */
  closed(reason: CloseReason): void;
  /** Frames from this end have landed. */
  landed(): void;
}

/** What a link needs of the transport that owns it. */
export interface LinkOwner {
  began(link: MemoryLink): void;
  /** There are frames to flush. */
  hasUnsent(link: MemoryLink): void;
  ended(link: MemoryLink): void;
}

export interface MemoryLinkOptions {
  readonly id: number;
  readonly direction: TracedLink;
  readonly faults: Faults;
  readonly environment: Environment;
  readonly cable: CableEnd;
  readonly owner: LinkOwner;
}

/** One end of a cable. */
export class MemoryLink implements Link {
  readonly id: number;
  readonly peerAddress: string;
  readonly isReliable: boolean;
  readonly #direction: TracedLink;
  readonly #environment: Environment;
  readonly #cable: CableEnd;
  readonly #owner: LinkOwner;
  readonly #lanes: { readonly [L in Lane]: OutgoingLane };
  #handlers: LinkHandlers | undefined;
  #endReason: CloseReason | undefined;
  #isSilent = false;
  #hasUnsent = false;
  #bytesSent = 0;
  #bytesReceived = 0;

  constructor(options: MemoryLinkOptions) {
    this.id = options.id;
    this.peerAddress = options.direction.to;
    this.isReliable = isReliable(options.faults);
    this.#direction = options.direction;
    this.#environment = options.environment;
    this.#cable = options.cable;
    this.#owner = options.owner;
    const flow = (lane: Lane) =>
      new LaneFlow(lane, options.direction, options.faults, options.environment, this.#crossing());
    this.#lanes = {
      [Lane.control]: { flow: flow(Lane.control), buffer: undefined, refusedBytes: undefined },
      [Lane.data]: { flow: flow(Lane.data), buffer: undefined, refusedBytes: undefined },
    };
  }

  get isOpen(): boolean {
    return this.#endReason === undefined;
  }

  get bytesSent(): number {
    return this.#bytesSent;
  }

  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  /** Frames from this end to the other that have not landed. */
  get framesInFlight(): number {
    return this.#lanes[Lane.control].flow.framesInFlight + this.#lanes[Lane.data].flow.framesInFlight;
  }

  get bytesInFlight(): number {
    return this.#lanes[Lane.control].flow.bytesInFlight + this.#lanes[Lane.data].flow.bytesInFlight;
  }

  /** Its owner listens to it, or will not any more. */
  get hasReader(): boolean {
    return this.#handlers !== undefined || !this.isOpen;
  }

  setHandlers(handlers: LinkHandlers): void {
    if (this.#handlers !== undefined) throw new ConfigError(`Link to ${this.peerAddress} has its handlers already.`);
    this.#handlers = handlers;
    if (this.#endReason === undefined) this.#cable.peer()?.resume(0);
    else this.#announceEnd(this.#endReason);
  }

  acquire(lane: Lane, sizeBytes: number): Uint8Array | undefined {
    const outgoing = this.#lanes[lane];
    if (!this.isOpen) return undefined;
    if (outgoing.buffer !== undefined) {
      throw new ConfigError(`A buffer of this lane to ${this.peerAddress} is out already: send it before the next.`);
    }
    if (!(sizeBytes <= LARGEST_FRAME_BYTES)) {
      throw new ProtocolError(`A frame of ${sizeBytes} bytes is too large: the limit is ${LARGEST_FRAME_BYTES}.`);
    }
    const capacity = Math.max(sizeBytes, limits.frameBytes);
    if (!outgoing.flow.hasCredit(capacity)) {
      outgoing.refusedBytes = capacity;
      return undefined;
    }
    outgoing.refusedBytes = undefined;
    outgoing.buffer = this.#environment.buffers.take(capacity);
    return outgoing.buffer;
  }

  send(lane: Lane, buffer: Uint8Array, length: number): void {
    const outgoing = this.#lanes[lane];
    if (buffer !== outgoing.buffer) {
      throw new ConfigError(`The buffer sent to ${this.peerAddress} is not the one that its lane gave out last.`);
    }
    if (!(length >= 0 && length <= buffer.length)) {
      throw new ConfigError(`A buffer of ${buffer.length} bytes cannot hold a frame of ${length}.`);
    }
    outgoing.buffer = undefined;
    const bytes = buffer.subarray(0, length);
    if (this.isOpen) this.#push(outgoing.flow, bytes);
    poison(bytes);
    this.#environment.buffers.giveBack(buffer);
  }

  close(reason: CloseReason = { kind: 'closed' }): void {
    if (!this.isOpen) return;
    this.flush();
    this.end(reason);
    this.#cable.closed(reason);
  }

  flush(): void {
    if (!this.#hasUnsent) return;
    this.#hasUnsent = false;
    this.#lanes[Lane.control].flow.depart();
    this.#lanes[Lane.data].flow.depart();
  }

  /** Frames that were held move again, and arrive `delayMs` from now or later. */
  resume(delayMs: number): void {
    this.#lanes[Lane.control].flow.resume(delayMs);
    this.#lanes[Lane.data].flow.resume(delayMs);
  }

  /** Loses the frames from this end to the other. */
  discard(): void {
    this.#lanes[Lane.control].flow.discard();
    this.#lanes[Lane.data].flow.discard();
  }

  /** A frame has come from the other end. */
  receive(lane: Lane, bytes: Uint8Array): void {
    this.#bytesReceived += bytes.length;
    this.#handlers?.frame(lane, bytes);
  }

  /** The link is over at this end; its owner is told in a turn of its own. */
  end(reason: CloseReason): void {
    if (!this.isOpen) return;
    this.#endReason = reason;
    this.#environment.trace.closed(this.#direction, reason.kind);
    this.#owner.ended(this);
    if (this.#handlers !== undefined) this.#announceEnd(reason);
  }

  /** The process at this end has crashed: it learns nothing any more. */
  endInSilence(): void {
    this.#isSilent = true;
    if (!this.isOpen) return;
    this.#endReason = { kind: 'lost', message: 'this process crashed' };
    this.#environment.trace.closed(this.#direction, 'crashed');
    this.#owner.ended(this);
  }

  #push(flow: LaneFlow, bytes: Uint8Array): void {
    this.#bytesSent += bytes.length;
    flow.push(bytes);
    if (this.#hasUnsent) return;
    this.#hasUnsent = true;
    this.#owner.hasUnsent(this);
  }

  #announceEnd(reason: CloseReason): void {
    this.#environment.clock.after(0, () => {
      if (!this.#isSilent) this.#handlers?.closed(reason);
    });
  }

  #offerCredit(lane: Lane): void {
    const outgoing = this.#lanes[lane];
    if (outgoing.refusedBytes === undefined || !outgoing.flow.hasCredit(outgoing.refusedBytes)) return;
    this.#environment.clock.after(0, () => {
      const { refusedBytes } = outgoing;
      if (!this.isOpen || refusedBytes === undefined || !outgoing.flow.hasCredit(refusedBytes)) return;
      outgoing.refusedBytes = undefined;
      this.#handlers?.writable(lane);
    });
  }

  #crossing(): Crossing {
    const link = this;
    return {
      get isHeld() {
        const isReaderMissing = link.#cable.peer()?.hasReader !== true;
        return isReaderMissing || (link.#cable.isCut && link.isReliable);
      },
      get isDead() {
        return link.#cable.isCut || link.#cable.peer()?.isOpen !== true;
      },
      deliver(lane, bytes) {
        link.#cable.peer()?.receive(lane, bytes);
      },
      landed(lane) {
        link.#offerCredit(lane);
        link.#cable.landed();
      },
    };
  }
}

interface OutgoingLane {
  readonly flow: LaneFlow;
  /** The transmit buffer that is out. */
  buffer: Uint8Array | undefined;
  /** Size of the buffer that had no credit, until there is credit for it. */
  refusedBytes: number | undefined;
}
