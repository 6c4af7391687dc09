import { Deferred } from '../../deferred.js';
import { ConfigError } from '../../errors.js';
import { limits } from '../../limits.js';
import { LANES, Lane } from '../../protocol/index.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';
import { type PeerConnection, hostSilenceProbe, type LivenessMonitor, type MonitoredLink } from '../handshake/index.js';
import type { Carrier, CloseReason, Link, LinkHandlers, RingCounters } from '../transport.js';
import { SLAB_FRAME_BYTES, Status } from './abi.js';
import type { BufferPool } from './buffer-pool.js';
import { type ControlListener, ControlChannel } from './control-channel.js';
import { RingReceiver } from './ring-receiver.js';
import type { QueuedFrame } from './incoming-lane.js';
import { OutgoingLane } from './outgoing-lane.js';
import type { RingListener } from './rings.js';
import type { RingEndpoint } from './ring-endpoint.js';

/** What a link needs from the transport that owns it. */
export interface LinkOwner {
  readonly scheduler: Scheduler;
  readonly pool: BufferPool;
  readonly liveness: LivenessMonitor;
  /** Wakes the progress loop of the rings. */
  wake(): void;
  /** The peer should receive a grant: soon, or with the next frames to it. */
  shouldGrant(link: UcxLink): void;
  /** The link has released all its resources. */
  gone(link: UcxLink): void;
}

/**
 * One end of a link over UCX. Frames travel on the rings. The control channel, on the socket, carries the goodbye.
 *
 *     closed here:        send the frames, then a goodbye with their number; the peer reads them, answers, ends the socket; released
 *     closed by the peer: receive its goodbye; read that number of frames, call `closed`, answer, end the socket; released
 *     peer exits:         its socket ends without a goodbye: lost; released
 */
export class UcxLink implements Link, RingListener, ControlListener, MonitoredLink {
  readonly id: number;
  readonly isReliable = true;
  readonly #endpoint: RingEndpoint;
  readonly #owner: LinkOwner;
  readonly #outgoing: readonly [OutgoingLane, OutgoingLane];
  readonly #receiver: RingReceiver;
  #peerAddress = '';
  #medium = '';
  #control: ControlChannel | undefined;
  #handlers: LinkHandlers | undefined;
  #endReason: CloseReason | undefined;
  #isSilent = false;
  #wasActive = false;
  isHostSilent: (() => Promise<boolean>) | undefined;
  #isGone = false;
  readonly #connected = new Deferred<void>();
  /** The goodbye of the peer: its reason, and the number of frames before it. */
  #peerEnd: { readonly reason: CloseReason; readonly frames: readonly bigint[] } | undefined;
  #hasSocketEnded = false;
  #linger: Timer | undefined;
  #bytesSent = 0;

  constructor(id: number, endpoint: RingEndpoint, owner: LinkOwner) {
    this.id = id;
    this.#endpoint = endpoint;
    this.#owner = owner;
    const peer = (): string => this.#peerAddress;
    const outgoing = (lane: Lane): OutgoingLane => new OutgoingLane(lane, endpoint, owner.pool, peer);
    this.#outgoing = [outgoing(Lane.control), outgoing(Lane.data)];
    this.#receiver = new RingReceiver(endpoint, owner.pool, owner.scheduler, () => owner.shouldGrant(this));
    endpoint.listen(this);
  }

  get peerAddress(): string {
    return this.#peerAddress;
  }

  get isOpen(): boolean {
    return this.#endReason === undefined;
  }

  get isUnresponsive(): boolean {
    return this.#owner.liveness.isUnresponsive(this);
  }

  get bytesSent(): number {
    return this.#bytesSent;
  }

  get bytesReceived(): number {
    return this.#receiver.bytesReceived;
  }

  get carrier(): Carrier {
    return { transport: 'ucx', medium: this.#medium };
  }

  get rings(): RingCounters {
    return {
      framesSent: this.#endpoint.framesSent(Lane.control) + this.#endpoint.framesSent(Lane.data),
      framesReceived: this.#endpoint.framesReceived(Lane.control) + this.#endpoint.framesReceived(Lane.data),
      socketBytes: this.#control?.bytes ?? 0,
    };
  }

  // ---- opening

  join(address: Uint8Array, token: bigint): void {
    this.#endpoint.connect(address, token);
    this.#medium = this.#endpoint.transports();
    this.#owner.wake();
  }

  /** The peer is authenticated. Its socket becomes the control channel of this link. */
  attachSocket(connection: PeerConnection, peerAddress: string): void {
    this.#peerAddress = peerAddress;
    if (!connection.isLocal) this.isHostSilent = hostSilenceProbe(connection.socket);
    this.#control = new ControlChannel(connection, this);
    if (!this.#isGone) this.#owner.liveness.add(this);
  }

  /** Resolves when the rings of the peer have reached this end, or the link has ended. */
  whenConnected(): Promise<void> {
    return this.#connected.promise;
  }

  get endReason(): CloseReason | undefined {
    return this.#endReason;
  }

  // ---- Link

  setHandlers(handlers: LinkHandlers): void {
    if (this.#handlers !== undefined) throw new ConfigError(`Link to ${this.#peerAddress} already has its handlers.`);
    this.#handlers = handlers;
    if (this.#endReason !== undefined) this.#announceEnd(this.#endReason);
    else this.#owner.scheduler.schedule(() => this.#deliverHeld());
  }

  acquire(lane: Lane, sizeBytes: number): Uint8Array | undefined {
    return this.isOpen ? this.#outgoing[lane].acquire(sizeBytes) : undefined;
  }

  send(lane: Lane, buffer: Uint8Array, length: number): number {
    // A block leaves at once, so the progress loop must be awake.
    if (length > SLAB_FRAME_BYTES) this.#owner.wake();
    if (this.isOpen) this.#bytesSent += length;
    return this.#outgoing[lane].send(buffer, length, this.isOpen && this.#peerEnd === undefined);
  }

  taken(lane: Lane): number {
    return this.#outgoing[lane].taken;
  }

  close(reason: CloseReason = { kind: 'closed' }): void {
    if (!this.isOpen) return;
    this.#end(reason);
    const frames = this.#outgoing.map((lane) => lane.framesSent);
    this.#control?.goodbye(reason, frames, this.#receiver.taken);
    if (this.#peerEnd === undefined) this.#beginLinger();
    else if (this.#hasSocketEnded) this.#release();
    else this.#control?.finish();
    this.#owner.wake();
  }

  /** Ends at once, as if the process had exited. Calls no handlers. */
  abort(message = 'this process has crashed'): void {
    this.#isSilent = true;
    this.#endAndRelease({ kind: 'lost', message });
  }

  // ---- MonitoredLink

  wasActive(): boolean {
    const wasActive = this.#wasActive;
    this.#wasActive = false;
    return wasActive;
  }

  ping(): void {
    this.#control?.ping();
  }

  lost(message: string): void {
    this.#endAndRelease({ kind: 'lost', message });
  }

  // ---- RingListener

  received(lane: Lane, offset: number, length: number, position: number): void {
    this.#arrived(lane, this.#receiver.slabFrame(lane, offset, length, position));
  }

  receivedBlock(lane: Lane, length: number): void {
    this.#arrived(lane, this.#receiver.blockFrame(lane, length));
  }

  sent(lane: Lane, length: number): void {
    this.#outgoing[lane].wasSent(length);
    this.#reportWritable(lane);
  }

  connected(): void {
    this.#connected.resolve();
  }

  announced(lane: Lane, length: number): void {
    if (!this.isOpen) return;
    const complaint = this.#receiver.announced(lane, length);
    if (complaint === undefined) this.#owner.wake();
    else this.#fail({ kind: 'protocol', message: `The peer announced ${complaint}.` });
  }

  granted(): void {
    this.#wasActive = true;
    for (const lane of LANES) {
      if (this.isOpen) this.#handlers?.taken?.(lane);
      this.#reportWritable(lane);
    }
  }

  failed(status: number, reason: string): void {
    const message = reason === '' ? `UCX has failed (${status})` : reason;
    // Closed here: the peer has read everything and closed its rings. What it has taken comes on the socket, with its goodbye.
    if (status === Status.lost && this.#linger !== undefined && !this.isOpen) return;
    if (status === Status.lost) return this.#endAndRelease({ kind: 'lost', message });
    this.#fail({ kind: 'protocol', message });
  }

  // ---- ControlListener

  goodbye(reason: CloseReason, frames: readonly bigint[], taken: readonly bigint[]): void {
    if (this.#peerEnd !== undefined) return;
    for (const lane of LANES) this.#outgoing[lane].end(Number(taken[lane] ?? 0));
    this.#peerEnd = { reason, frames };
    if (!this.isOpen) return this.#control?.finish();
    this.#beginLinger();
    this.#owner.wake();
    this.#settlePeerEnd();
  }

  alive(): void {
    this.#wasActive = true;
  }

  ended(): void {
    this.#hasSocketEnded = true;
    // Frames from before the goodbye may still be in the rings.
    if (this.#peerEnd !== undefined && this.isOpen) return;
    this.#endAndRelease({ kind: 'lost', message: 'the process at the other end has exited' });
  }

  protocolViolation(message: string): void {
    this.#fail({ kind: 'protocol', message: `The peer sent an invalid control message: ${message}` });
  }

  // ---- receiving

  #arrived(lane: Lane, frame: QueuedFrame): void {
    this.#wasActive = true;
    if (!this.isOpen) return;
    this.#receiver.take(lane, frame, this.#handlers);
    if (this.#peerEnd !== undefined) this.#settlePeerEnd();
  }

  #deliverHeld(): void {
    if (this.#handlers !== undefined) this.#receiver.deliverHeld(this.#handlers, () => this.isOpen);
    if (this.#peerEnd !== undefined) this.#settlePeerEnd();
  }

  /** True if so much was read that the peer must receive a grant now. */
  get mustGrant(): boolean {
    return this.#receiver.mustGrant;
  }

  get hasUngranted(): boolean {
    return this.#receiver.hasUngranted;
  }

  grant(): void {
    if (!this.isOpen) return;
    this.#endpoint.rings.grant(this.#endpoint.handle);
    this.#receiver.granted();
  }

  #reportWritable(lane: Lane): void {
    const outgoing = this.#outgoing[lane];
    if (!outgoing.isWritableAgain || this.#handlers === undefined) return;
    this.#owner.scheduler.schedule(() => {
      if (!this.isOpen || !outgoing.isWritableAgain) return;
      outgoing.writableReported();
      this.#handlers?.writable(lane);
    });
  }

  // ---- ending

  /** The peer has said goodbye: calls `closed` once all its frames were read. */
  #settlePeerEnd(): void {
    const peerEnd = this.#peerEnd;
    if (peerEnd === undefined || !this.isOpen) return;
    if (!this.#receiver.hasReceived(peerEnd.frames)) return;
    // All frames have arrived. Only the handlers are missing, so there is no deadline.
    this.#endLinger();
    if (this.#receiver.isHolding || this.#handlers === undefined) return;
    // The peer learns that all its frames were taken.
    this.#control?.goodbye(peerEnd.reason, [], this.#receiver.taken);
    this.#end(peerEnd.reason);
    this.#control?.finish();
    this.#release();
  }

  #fail(reason: CloseReason): void {
    if (!this.isOpen) return this.#release();
    this.#end(reason);
    this.#control?.goodbye(reason, [], this.#receiver.taken);
    this.#beginLinger();
  }

  #end(reason: CloseReason): void {
    if (!this.isOpen) return;
    this.#endReason = reason;
    this.#connected.resolve();
    if (this.#handlers !== undefined) this.#announceEnd(reason);
  }

  #announceEnd(reason: CloseReason): void {
    this.#owner.scheduler.schedule(() => {
      if (!this.#isSilent) this.#handlers?.closed(reason);
    });
  }

  /** The frames sent get `linkLingerMs` to arrive. */
  #beginLinger(): void {
    this.#linger ??= this.#owner.scheduler.setTimer(limits.linkLingerMs, () => {
      this.#linger = undefined;
      this.#endAndRelease({ kind: 'lost', message: 'the process at the other end has exited' });
    });
  }

  #endLinger(): void {
    if (this.#linger !== undefined) this.#owner.scheduler.clearTimer(this.#linger);
    this.#linger = undefined;
  }

  #endAndRelease(reason: CloseReason): void {
    this.#end(reason);
    this.#release();
  }

  #release(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#owner.liveness.remove(this);
    this.#endLinger();
    this.#receiver.forget();
    for (const outgoing of this.#outgoing) outgoing.end();
    this.#endpoint.close();
    if (this.#endReason?.kind === 'closed' && this.#peerEnd !== undefined && !this.#isSilent) this.#control?.finish();
    else this.#control?.destroy();
    this.#owner.gone(this);
  }
}
