import { ConfigError } from '../../errors.js';
import { Lane } from '../../protocol/index.js';
import type { CloseReason, Link, LinkHandlers } from '../transport.js';
import type { Environment } from './environment.js';
import { isReliable } from './faults.js';
import type { Faults } from './faults.js';
import { LaneFlow } from './lane-flow.js';
import type { Crossing } from './lane-flow.js';
import { OutgoingLane } from './outgoing-lane.js';
import type { TracedLink } from './trace.js';

/** What a link needs of the cable that it is one end of. */
export interface CableEnd {
  isCut(): boolean;
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

const MEMORY = { transport: 'memory', medium: '' } as const;

/** One end of a cable. */
export class MemoryLink implements Link {
  readonly id: number;
  readonly peerAddress: string;
  readonly isReliable: boolean;
  readonly carrier = MEMORY;
  /** Its peer is in the same program: it answers, or this end does not run either. */
  readonly isUnresponsive = false;
  readonly #direction: TracedLink;
  readonly #environment: Environment;
  readonly #cable: CableEnd;
  readonly #owner: LinkOwner;
  readonly #outgoing: { readonly [L in Lane]: OutgoingLane };
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
    const outgoing = (lane: Lane): OutgoingLane => {
      const flow = new LaneFlow(lane, options.direction, options.faults, options.environment, this.#crossing());
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

  /** Frames from this end to the other that have not landed. */
  get framesInFlight(): number {
    return this.#outgoing[Lane.control].flow.framesInFlight + this.#outgoing[Lane.data].flow.framesInFlight;
  }

  get bytesInFlight(): number {
    return this.#outgoing[Lane.control].flow.bytesInFlight + this.#outgoing[Lane.data].flow.bytesInFlight;
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
    return this.isOpen ? this.#outgoing[lane].acquire(sizeBytes) : undefined;
  }

  send(lane: Lane, buffer: Uint8Array, length: number): void {
    this.#outgoing[lane].send(buffer, length, this.isOpen);
    if (!this.isOpen) return;
    this.#bytesSent += length;
    if (this.#hasUnsent) return;
    this.#hasUnsent = true;
    this.#owner.hasUnsent(this);
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
    this.#outgoing[Lane.control].flow.depart();
    this.#outgoing[Lane.data].flow.depart();
  }

  /** Frames that were held move again, and arrive `delayMs` from now or later. */
  resume(delayMs: number): void {
    this.#outgoing[Lane.control].flow.resume(delayMs);
    this.#outgoing[Lane.data].flow.resume(delayMs);
  }

  /** Loses the frames from this end to the other. */
  discard(): void {
    this.#outgoing[Lane.control].flow.discard();
    this.#outgoing[Lane.data].flow.discard();
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

  #announceEnd(reason: CloseReason): void {
    this.#environment.clock.after(0, () => {
      if (!this.#isSilent) this.#handlers?.closed(reason);
    });
  }

  #offerCredit(lane: Lane): void {
    const outgoing = this.#outgoing[lane];
    if (!outgoing.owesCredit) return;
    this.#environment.clock.after(0, () => {
      if (!this.isOpen || !outgoing.owesCredit) return;
      outgoing.settleCredit();
      this.#handlers?.writable(lane);
    });
  }

  #crossing(): Crossing {
    const cable = this.#cable;
    return {
      isHeld: () => cable.peer()?.hasReader !== true || (cable.isCut() && this.isReliable),
      isDead: () => cable.isCut() || cable.peer()?.isOpen !== true,
      deliver: (lane, bytes) => cable.peer()?.receive(lane, bytes),
      landed: (lane) => {
        this.#offerCredit(lane);
        cable.landed();
      },
    };
  }
}
