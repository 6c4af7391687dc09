import { ConfigError } from '../../errors.js';
import { Lane } from '../../protocol/index.js';
import type { CloseReason, Link, LinkHandlers } from '../transport.js';
import type { Environment } from './environment.js';
import { type Faults, isReliable } from './faults.js';
import { type FlowEnds, LaneFlow } from './lane-flow.js';
import { OutgoingLane } from './outgoing-lane.js';
import type { TracedLink } from './trace.js';

/** What a link needs from its connection. */
export interface ConnectionEnd {
  isCut(): boolean;
  /** The other end. Undefined only during the construction of the connection. */
  peer(): MemoryLink | undefined;
  /** The owner has closed this end. */
  closed(reason: CloseReason): void;
  /** What the closed end has sent and has not arrived is lost. */
  expired(): void;
  /** Frames from this end have arrived at the other. */
  arrived(): void;
}

/** What a link needs from the transport that owns it. */
export interface LinkOwner {
  began(link: MemoryLink): void;
  /** The link has frames to flush. */
  hasUnsent(link: MemoryLink): void;
  ended(link: MemoryLink): void;
  /** The owner has closed the link, and frames of it are in flight. */
  lingers(link: MemoryLink): void;
  /** The frames of a link that lingers have arrived, or are lost. */
  settled(link: MemoryLink): void;
}

export interface MemoryLinkOptions {
  readonly id: number;
  readonly direction: TracedLink;
  readonly faults: Faults;
  readonly environment: Environment;
  readonly connection: ConnectionEnd;
  readonly owner: LinkOwner;
}

const MEMORY = { transport: 'memory', medium: '' } as const;

/** One end of a virtual connection. */
export class MemoryLink implements Link {
  readonly id: number;
  readonly peerAddress: string;
  readonly isReliable: boolean;
  readonly carrier = MEMORY;
  /** Always false: the peer runs on the same event loop, so it is responsive whenever this end runs. */
  readonly isUnresponsive = false;
  readonly #direction: TracedLink;
  readonly #environment: Environment;
  readonly #connection: ConnectionEnd;
  readonly #owner: LinkOwner;
  readonly #outgoing: { readonly [L in Lane]: OutgoingLane };
  #handlers: LinkHandlers | undefined;
  #endReason: CloseReason | undefined;
  #isSilent = false;
  #hasUnsent = false;
  /** The owner has closed this end, and frames of it are in flight. */
  #isLingering = false;
  #bytesSent = 0;
  #bytesReceived = 0;

  constructor(options: MemoryLinkOptions) {
    this.id = options.id;
    this.peerAddress = options.direction.to;
    this.isReliable = isReliable(options.faults);
    this.#direction = options.direction;
    this.#environment = options.environment;
    this.#connection = options.connection;
    this.#owner = options.owner;
    const outgoing = (lane: Lane): OutgoingLane => {
      const flow = new LaneFlow(lane, options.direction, options.faults, options.environment, this.#flowEnds());
      return new OutgoingLane(flow, this.peerAddress, options.environment.buffers);
    };
    this.#outgoing = { [Lane.control]: outgoing(Lane.control), [Lane.data]: outgoing(Lane.data) };
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

  /** Frames from this end to the other that have not arrived. */
  get framesInFlight(): number {
    return this.#outgoing[Lane.control].flow.framesInFlight + this.#outgoing[Lane.data].flow.framesInFlight;
  }

  get bytesInFlight(): number {
    return this.#outgoing[Lane.control].flow.bytesInFlight + this.#outgoing[Lane.data].flow.bytesInFlight;
  }

  /** True if the owner has set handlers, or the link has ended and needs none. */
  get hasReader(): boolean {
    return this.#handlers !== undefined || !this.isOpen;
  }

  setHandlers(handlers: LinkHandlers): void {
    if (this.#handlers !== undefined) throw new ConfigError(`Link to ${this.peerAddress} already has its handlers.`);
    this.#handlers = handlers;
    if (this.#endReason === undefined) this.#connection.peer()?.resume(0);
    else this.#announceEnd(this.#endReason);
  }

  acquire(lane: Lane, sizeBytes: number): Uint8Array | undefined {
    return this.isOpen ? this.#outgoing[lane].acquire(sizeBytes) : undefined;
  }

  send(lane: Lane, buffer: Uint8Array, length: number): number {
    const total = this.#outgoing[lane].send(buffer, length, this.isOpen);
    if (!this.isOpen) return total;
    this.#bytesSent += length;
    if (!this.#hasUnsent) {
      this.#hasUnsent = true;
      this.#owner.hasUnsent(this);
    }
    return total;
  }

  taken(lane: Lane): number {
    return this.#outgoing[lane].flow.taken;
  }

  close(reason: CloseReason = { kind: 'closed' }): void {
    if (!this.isOpen) return;
    this.flush();
    this.end(reason);
    this.#isLingering = this.framesInFlight > 0;
    if (this.#isLingering) this.#owner.lingers(this);
    this.#connection.closed(reason);
  }

  /** What was sent before the end has had its time to arrive: the rest is lost. */
  expire(): void {
    this.#connection.expired();
  }

  /** The frames of a closed end have arrived, or are lost. */
  #settle(): void {
    if (!this.#isLingering || this.framesInFlight > 0) return;
    this.#isLingering = false;
    this.#owner.settled(this);
  }

  flush(): void {
    if (!this.#hasUnsent) return;
    this.#hasUnsent = false;
    this.#outgoing[Lane.control].flow.transmit();
    this.#outgoing[Lane.data].flow.transmit();
  }

  /** Releases held frames. They arrive `delayMs` from now, or later. */
  resume(delayMs: number): void {
    this.#outgoing[Lane.control].flow.resume(delayMs);
    this.#outgoing[Lane.data].flow.resume(delayMs);
  }

  /** Loses the frames in flight from this end. */
  discard(): void {
    this.#outgoing[Lane.control].flow.discard();
    this.#outgoing[Lane.data].flow.discard();
    this.#settle();
  }

  /** Delivers a frame from the other end. */
  receive(lane: Lane, bytes: Uint8Array): void {
    this.#bytesReceived += bytes.length;
    this.#handlers?.frame(lane, bytes);
  }

  /** Ends the link at this end. `closed` is called in a later turn. */
  end(reason: CloseReason): void {
    if (!this.isOpen) return;
    this.#endReason = reason;
    this.#environment.trace.closed(this.#direction, reason.kind);
    this.#owner.ended(this);
    if (this.#handlers !== undefined) this.#announceEnd(reason);
  }

  /** The process at this end has crashed: ends the link without calling its handlers. */
  endSilently(): void {
    this.#isSilent = true;
    if (!this.isOpen) return;
    this.#endReason = { kind: 'lost', message: 'this process crashed' };
    this.#environment.trace.closed(this.#direction, 'crashed');
    this.#owner.ended(this);
  }

  #announceEnd(reason: CloseReason): void {
    this.#environment.clock.after(0, () => {
      if (!this.#isSilent) this.#handlers?.closed(reason);
    });
  }

  #reportWritable(lane: Lane): void {
    const outgoing = this.#outgoing[lane];
    if (!outgoing.isWritableAgain) return;
    this.#environment.clock.after(0, () => {
      if (!this.isOpen || !outgoing.isWritableAgain) return;
      outgoing.writableReported();
      this.#handlers?.writable(lane);
    });
  }

  #flowEnds(): FlowEnds {
    const connection = this.#connection;
    return {
      isHeld: () => connection.peer()?.hasReader !== true || (connection.isCut() && this.isReliable),
      isDead: () => connection.isCut() || connection.peer()?.isOpen !== true,
      deliver: (lane, bytes) => connection.peer()?.receive(lane, bytes),
      arrived: (lane) => {
        if (this.isOpen) this.#handlers?.taken?.(lane);
        this.#settle();
        this.#reportWritable(lane);
        connection.arrived();
      },
    };
  }
}
