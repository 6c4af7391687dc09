import { Lane, LANES } from '../../protocol/index.js';
import { LinkLife } from '../link-life.js';
import { OutgoingLane } from '../outgoing-lane.js';
import type { CloseReason, Link, LinkHandlers } from '../transport.js';
import type { Environment } from './environment.js';
import { type Faults, isReliable } from './faults.js';
import { type FlowEnds, LaneFlow } from './lane-flow.js';
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
  readonly #life: LinkLife;
  readonly #flows: { readonly [L in Lane]: LaneFlow };
  readonly #outgoing: { readonly [L in Lane]: OutgoingLane };
  #hasUnsent = false;
  /** The owner has closed this end, and frames of it are in flight. */
  #isLingering = false;

  constructor(options: MemoryLinkOptions) {
    this.id = options.id;
    this.peerAddress = options.direction.to;
    this.isReliable = isReliable(options.faults);
    this.#direction = options.direction;
    this.#environment = options.environment;
    this.#connection = options.connection;
    this.#owner = options.owner;
    const { environment, direction, faults } = options;
    const peerAddress = (): string => direction.to;
    this.#life = new LinkLife({ peerAddress, schedule: (turn) => environment.clock.after(0, turn) });
    const control = new LaneFlow(Lane.control, direction, faults, environment, this.#flowEnds());
    const data = new LaneFlow(Lane.data, direction, faults, environment, this.#flowEnds());
    this.#flows = { [Lane.control]: control, [Lane.data]: data };
    this.#outgoing = {
      [Lane.control]: new OutgoingLane(control, peerAddress),
      [Lane.data]: new OutgoingLane(data, peerAddress),
    };
  }

  get isOpen(): boolean {
    return this.#life.isOpen;
  }

  get bytesSent(): number {
    return this.#life.bytesSent;
  }

  get bytesReceived(): number {
    return this.#life.bytesReceived;
  }

  /** Frames from this end to the other that have not arrived. */
  get framesInFlight(): number {
    return this.#flows[Lane.control].framesInFlight + this.#flows[Lane.data].framesInFlight;
  }

  get bytesInFlight(): number {
    for (const lane of LANES) this.#readCredit(lane);
    return this.#outgoing[Lane.control].bytesInFlight + this.#outgoing[Lane.data].bytesInFlight;
  }

  /** True if the owner has set handlers, or the link has ended and needs none. */
  get hasReader(): boolean {
    return this.#life.hasHandlers || !this.isOpen;
  }

  setHandlers(handlers: LinkHandlers): void {
    if (this.#life.setHandlers(handlers)) this.#connection.peer()?.resume(0);
  }

  acquire(lane: Lane, sizeBytes: number): Uint8Array | undefined {
    if (!this.isOpen) return undefined;
    this.#readCredit(lane);
    return this.#outgoing[lane].acquire(sizeBytes);
  }

  send(lane: Lane, buffer: Uint8Array, length: number): number {
    const total = this.#outgoing[lane].send(buffer, length, this.isOpen);
    if (!this.isOpen) return total;
    this.#life.sent(length);
    if (!this.#hasUnsent) {
      this.#hasUnsent = true;
      this.#owner.hasUnsent(this);
    }
    return total;
  }

  taken(lane: Lane): number {
    return this.#flows[lane].taken;
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
    for (const lane of LANES) this.#flows[lane].transmit();
  }

  /** Releases held frames. They arrive `delayMs` from now, or later. */
  resume(delayMs: number): void {
    for (const lane of LANES) this.#flows[lane].resume(delayMs);
  }

  /** Loses the frames in flight from this end. */
  discard(): void {
    for (const lane of LANES) this.#flows[lane].discard();
    this.#settle();
  }

  /** Delivers a frame from the other end. */
  receive(lane: Lane, bytes: Uint8Array): void {
    this.#life.deliver(lane, bytes);
  }

  /** Ends the link at this end. `closed` is called in a later turn. */
  end(reason: CloseReason): void {
    if (!this.isOpen) return;
    this.#environment.trace.closed(this.#direction, reason.kind);
    this.#owner.ended(this);
    this.#life.end(reason);
  }

  /** The process at this end has crashed: ends the link without calling its handlers. */
  endSilently(): void {
    this.#life.silence();
    if (!this.isOpen) return;
    this.#life.end({ kind: 'lost', message: 'this process crashed' });
    this.#environment.trace.closed(this.#direction, 'crashed');
    this.#owner.ended(this);
  }

  /** The credit of frames that are no longer in flight is free again. */
  #readCredit(lane: Lane): void {
    this.#outgoing[lane].granted(this.#flows[lane].passed);
  }

  #flowEnds(): FlowEnds {
    const connection = this.#connection;
    return {
      isHeld: () => connection.peer()?.hasReader !== true || (connection.isCut() && this.isReliable),
      isDead: () => connection.isCut() || connection.peer()?.isOpen !== true,
      deliver: (lane, bytes) => connection.peer()?.receive(lane, bytes),
      arrived: (lane) => {
        this.#readCredit(lane);
        this.#life.granted(lane, this.#outgoing[lane]);
        this.#settle();
        connection.arrived();
      },
    };
  }
}
