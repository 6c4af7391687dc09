import { ConfigError } from '../../errors.js';
import { limits } from '../../limits.js';
import { LANES, Lane } from '../../protocol/index.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';
import { type Companion, hostSilence, type Vigil, type Watched } from '../companion/index.js';
import type { Carrier, CloseReason, Link, LinkHandlers, RingCounters } from '../transport.js';
import { SLAB_FRAME_BYTES, Status } from './abi.js';
import type { Blocks } from './blocks.js';
import { type WordListener, Words } from './words.js';
import { Inbox } from './inbox.js';
import type { WaitingFrame } from './incoming-lane.js';
import { OutgoingLane } from './outgoing-lane.js';
import type { RingListener } from './rings.js';
import type { Seat } from './seat.js';

/** What a link needs of the transport that owns it. */
export interface LinkOwner {
  readonly scheduler: Scheduler;
  readonly blocks: Blocks;
  readonly vigil: Vigil;
  /** The rings have something to do. */
  wake(): void;
  /** Its peer should be told what was read: soon, or with the next frames to it. */
  owesGrant(link: UcxLink): void;
  /** Nothing is left of it. */
  gone(link: UcxLink): void;
}

/**
 * One end of a link over UCX. Frames travel on the rings; the companion socket tells the end.
 *
 *     close here:   frames, then a farewell that counts them ... the peer has read so many, and ends the socket: gone
 *     close there:  the farewell; once so many were read the owner is told, and the socket ended: gone
 *     the peer's process ends: its socket ends without a farewell: lost, gone
 */
export class UcxLink implements Link, RingListener, WordListener, Watched {
  readonly id: number;
  readonly isReliable = true;
  readonly #seat: Seat;
  readonly #owner: LinkOwner;
  readonly #outgoing: readonly [OutgoingLane, OutgoingLane];
  readonly #inbox: Inbox;
  #peerAddress = '';
  #medium = '';
  #words: Words | undefined;
  #handlers: LinkHandlers | undefined;
  #endReason: CloseReason | undefined;
  #isSilent = false;
  #wasHeard = false;
  isHostSilent: (() => Promise<boolean>) | undefined;
  #isGone = false;
  #isFlowing = false;
  #whenFlowing: (() => void) | undefined;
  /** What the peer said at its end, and the frames that come before it. */
  #peerEnd: { readonly reason: CloseReason; readonly frames: readonly bigint[] } | undefined;
  #linger: Timer | undefined;
  #bytesSent = 0;

  constructor(id: number, seat: Seat, owner: LinkOwner) {
    this.id = id;
    this.#seat = seat;
    this.#owner = owner;
    const peer = (): string => this.#peerAddress;
    const outgoing = (lane: Lane): OutgoingLane => new OutgoingLane(lane, seat, owner.blocks, peer);
    this.#outgoing = [outgoing(Lane.control), outgoing(Lane.data)];
    this.#inbox = new Inbox(seat, owner.blocks, owner.scheduler, () => owner.owesGrant(this));
    seat.listen(this);
  }

  get peerAddress(): string {
    return this.#peerAddress;
  }

  get isOpen(): boolean {
    return this.#endReason === undefined;
  }

  get isUnresponsive(): boolean {
    return this.#owner.vigil.isUnresponsive(this);
  }

  get bytesSent(): number {
    return this.#bytesSent;
  }

  get bytesReceived(): number {
    return this.#inbox.bytesReceived;
  }

  get carrier(): Carrier {
    return { transport: 'ucx', medium: this.#medium };
  }

  /** What went over the rings, and over the socket beside them, since the link opened. */
  get rings(): RingCounters {
    return {
      framesSent: this.#seat.framesSent(Lane.control) + this.#seat.framesSent(Lane.data),
      framesReceived: this.#seat.framesReceived(Lane.control) + this.#seat.framesReceived(Lane.data),
      companionBytes: this.#words?.bytes ?? 0,
    };
  }

  // ---- opening

  join(address: Uint8Array, token: bigint): void {
    this.#seat.connect(address, token);
    this.#medium = this.#seat.transports();
    this.#owner.wake();
  }

  /** The other end is known: from here on it is its socket that tells of its end. */
  accompany(companion: Companion, peerAddress: string): void {
    this.#peerAddress = peerAddress;
    if (!companion.isLocal) this.isHostSilent = hostSilence(companion.socket);
    this.#words = new Words(companion, this);
    if (!this.#isGone) this.#owner.vigil.add(this);
  }

  /** Resolves when the peer's rings reach this end, or the link has ended. */
  async flowing(): Promise<void> {
    if (this.#isFlowing || !this.isOpen) return;
    await new Promise<void>((resolve) => {
      this.#whenFlowing = resolve;
    });
  }

  get endReason(): CloseReason | undefined {
    return this.#endReason;
  }

  // ---- Link

  setHandlers(handlers: LinkHandlers): void {
    if (this.#handlers !== undefined) throw new ConfigError(`Link to ${this.#peerAddress} has its handlers already.`);
    this.#handlers = handlers;
    if (this.#endReason !== undefined) this.#announceEnd(this.#endReason);
    else this.#owner.scheduler.schedule(() => this.#deliverHeld());
  }

  acquire(lane: Lane, sizeBytes: number): Uint8Array | undefined {
    return this.isOpen ? this.#outgoing[lane].acquire(sizeBytes) : undefined;
  }

  send(lane: Lane, buffer: Uint8Array, length: number): void {
    // A block leaves at once: the rings must be awake for that.
    if (length > SLAB_FRAME_BYTES) this.#owner.wake();
    this.#outgoing[lane].send(buffer, length, this.isOpen && this.#peerEnd === undefined);
    if (this.isOpen) this.#bytesSent += length;
  }

  close(reason: CloseReason = { kind: 'closed' }): void {
    if (!this.isOpen) return;
    this.#end(reason);
    this.#words?.farewell(
      reason,
      this.#outgoing.map((lane) => lane.framesSent),
    );
    if (this.#peerEnd === undefined) this.#beginLinger();
    else this.#words?.finish();
    this.#owner.wake();
  }

  /** Ends at once, as the end of the process would: nothing is told to anybody. */
  abort(message = 'this process has crashed'): void {
    this.#isSilent = true;
    this.#vanishAs({ kind: 'lost', message });
  }

  // ---- what the vigil asks

  wasHeard(): boolean {
    const wasHeard = this.#wasHeard;
    this.#wasHeard = false;
    return wasHeard;
  }

  ping(): void {
    this.#words?.ping();
  }

  lost(message: string): void {
    this.#vanishAs({ kind: 'lost', message });
  }

  // ---- RingListener

  received(lane: Lane, offset: number, length: number, position: number): void {
    this.#arrived(lane, this.#inbox.slabFrame(lane, offset, length, position));
  }

  receivedBlock(lane: Lane, length: number): void {
    this.#arrived(lane, this.#inbox.blockFrame(lane, length));
  }

  sent(lane: Lane, length: number): void {
    this.#outgoing[lane].wasSent(length);
    this.#offerCredit(lane);
  }

  connected(): void {
    this.#isFlowing = true;
    this.#whenFlowing?.();
  }

  announced(lane: Lane, length: number): void {
    if (!this.isOpen) return;
    const complaint = this.#inbox.announced(lane, length);
    if (complaint === undefined) this.#owner.wake();
    else this.#fail({ kind: 'protocol', message: `The peer announced ${complaint}.` });
  }

  granted(): void {
    this.#wasHeard = true;
    for (const lane of LANES) this.#offerCredit(lane);
  }

  faulted(status: number, reason: string): void {
    const message = reason === '' ? `UCX has failed (${status})` : reason;
    if (status === Status.lost) return this.#vanishAs({ kind: 'lost', message });
    this.#fail({ kind: 'protocol', message });
  }

  // ---- WordListener

  farewell(reason: CloseReason, frames: readonly bigint[]): void {
    if (this.#peerEnd !== undefined) return;
    this.#peerEnd = { reason, frames };
    if (!this.isOpen) return this.#words?.finish();
    this.#beginLinger();
    this.#owner.wake();
    this.#settlePeerEnd();
  }

  heard(): void {
    this.#wasHeard = true;
  }

  ended(): void {
    // Frames before the farewell may lie in the rings still.
    if (this.#peerEnd !== undefined && this.isOpen) return;
    this.#vanishAs({ kind: 'lost', message: 'the process at the other end is gone' });
  }

  nonsense(message: string): void {
    this.#fail({ kind: 'protocol', message: `The peer's companion socket: ${message}` });
  }

  // ---- receiving

  #arrived(lane: Lane, frame: WaitingFrame): void {
    this.#wasHeard = true;
    if (!this.isOpen) return;
    this.#inbox.take(lane, frame, this.#handlers);
    if (this.#peerEnd !== undefined) this.#settlePeerEnd();
  }

  #deliverHeld(): void {
    if (this.#handlers !== undefined) this.#inbox.deliverHeld(this.#handlers, () => this.isOpen);
    if (this.#peerEnd !== undefined) this.#settlePeerEnd();
  }

  /** So much was read that the peer must be told now. */
  get mustGrant(): boolean {
    return this.#inbox.mustGrant;
  }

  get hasUngranted(): boolean {
    return this.#inbox.hasUngranted;
  }

  grant(): void {
    if (!this.isOpen) return;
    this.#seat.rings.grant(this.#seat.handle);
    this.#inbox.granted();
  }

  #offerCredit(lane: Lane): void {
    const outgoing = this.#outgoing[lane];
    if (!outgoing.owesCredit || this.#handlers === undefined) return;
    this.#owner.scheduler.schedule(() => {
      if (!this.isOpen || !outgoing.owesCredit) return;
      outgoing.settleCredit();
      this.#handlers?.writable(lane);
    });
  }

  // ---- ending

  /** The peer has closed: once all it has sent was read the owner is told. */
  #settlePeerEnd(): void {
    const peerEnd = this.#peerEnd;
    if (peerEnd === undefined || !this.isOpen) return;
    if (!this.#inbox.hasReceived(peerEnd.frames)) return;
    // Nothing can go wrong any more: it waits for its reader only.
    this.#endLinger();
    if (this.#inbox.isHolding || this.#handlers === undefined) return;
    this.#end(peerEnd.reason);
    this.#words?.finish();
    this.#vanish();
  }

  #fail(reason: CloseReason): void {
    if (!this.isOpen) return this.#vanish();
    this.#end(reason);
    this.#words?.farewell(reason, []);
    this.#beginLinger();
  }

  #end(reason: CloseReason): void {
    if (!this.isOpen) return;
    this.#endReason = reason;
    this.#whenFlowing?.();
    if (this.#handlers !== undefined) this.#announceEnd(reason);
  }

  #announceEnd(reason: CloseReason): void {
    this.#owner.scheduler.schedule(() => {
      if (!this.#isSilent) this.#handlers?.closed(reason);
    });
  }

  /** What was sent has a while to arrive. */
  #beginLinger(): void {
    this.#linger ??= this.#owner.scheduler.setTimer(limits.linkLingerMs, () => {
      this.#linger = undefined;
      this.#vanishAs({ kind: 'lost', message: 'the process at the other end is gone' });
    });
  }

  #endLinger(): void {
    if (this.#linger !== undefined) this.#owner.scheduler.clearTimer(this.#linger);
    this.#linger = undefined;
  }

  #vanishAs(reason: CloseReason): void {
    this.#end(reason);
    this.#vanish();
  }

  #vanish(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#owner.vigil.remove(this);
    this.#endLinger();
    this.#inbox.forget();
    this.#seat.close();
    if (this.#endReason?.kind === 'closed' && this.#peerEnd !== undefined && !this.#isSilent) this.#words?.finish();
    else this.#words?.destroy();
    this.#owner.gone(this);
  }
}
