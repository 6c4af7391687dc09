import { Deferred } from '../../deferred.js';
import { ProtocolError } from '../../errors.js';
import { LANES, Lane } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { BufferPool } from '../buffer-pool.js';
import { type PeerConnection, hostSilenceProbe, type LivenessMonitor, type MonitoredLink } from '../handshake/index.js';
import { Linger } from '../linger.js';
import { LinkLife } from '../link-life.js';
import { OutgoingLane } from '../outgoing-lane.js';
import type { Carrier, CloseReason, Link, LinkHandlers, RingCounters } from '../transport.js';
import { SLAB_FRAME_BYTES, Status } from './abi.js';
import { type ControlListener, ControlChannel } from './control-channel.js';
import { RingReceiver } from './ring-receiver.js';
import type { RingListener } from './rings.js';
import type { RingEndpoint } from './ring-endpoint.js';
import { TransmitSlab } from './transmit-slab.js';

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
  readonly #life: LinkLife;
  readonly #linger: Linger;
  readonly #slabs: readonly [TransmitSlab, TransmitSlab];
  readonly #outgoing: readonly [OutgoingLane, OutgoingLane];
  readonly #receiver: RingReceiver;
  #peerAddress = '';
  #medium = '';
  #control: ControlChannel | undefined;
  #wasActive = false;
  isHostSilent: (() => Promise<boolean>) | undefined;
  #isGone = false;
  readonly #connected = new Deferred<void>();
  /** The goodbye of the peer: its reason, and the number of frames before it. */
  #peerEnd: { readonly reason: CloseReason; readonly frames: readonly bigint[] } | undefined;
  #hasSocketEnded = false;

  constructor(id: number, endpoint: RingEndpoint, owner: LinkOwner) {
    this.id = id;
    this.#endpoint = endpoint;
    this.#owner = owner;
    const peerAddress = (): string => this.#peerAddress;
    this.#life = new LinkLife({ peerAddress, schedule: (turn) => owner.scheduler.schedule(turn) });
    this.#linger = new Linger(owner.scheduler, () => this.lost('the process at the other end has exited'));
    this.#slabs = [
      new TransmitSlab(Lane.control, endpoint, owner.pool),
      new TransmitSlab(Lane.data, endpoint, owner.pool),
    ];
    this.#outgoing = [
      new OutgoingLane(this.#slabs[Lane.control], peerAddress),
      new OutgoingLane(this.#slabs[Lane.data], peerAddress),
    ];
    this.#receiver = new RingReceiver(endpoint, owner.pool, this.#life, () => owner.shouldGrant(this));
    endpoint.listen(this);
  }

  get peerAddress(): string {
    return this.#peerAddress;
  }

  get isOpen(): boolean {
    return this.#life.isOpen;
  }

  get isUnresponsive(): boolean {
    return this.#owner.liveness.isUnresponsive(this);
  }

  get bytesSent(): number {
    return this.#life.bytesSent;
  }

  get bytesReceived(): number {
    return this.#life.bytesReceived;
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
    return this.#life.endReason;
  }

  // ---- Link

  setHandlers(handlers: LinkHandlers): void {
    if (this.#life.setHandlers(handlers)) this.#owner.scheduler.schedule(() => this.#deliverHeld());
  }

  acquire(lane: Lane, sizeBytes: number): Uint8Array | undefined {
    if (!this.isOpen) return undefined;
    this.#readGrants(lane);
    return this.#outgoing[lane].acquire(sizeBytes);
  }

  send(lane: Lane, buffer: Uint8Array, length: number): number {
    // A block leaves at once, so the progress loop must be awake.
    if (length > SLAB_FRAME_BYTES) this.#owner.wake();
    if (this.isOpen) this.#life.sent(length);
    return this.#outgoing[lane].send(buffer, length, this.isOpen && this.#peerEnd === undefined);
  }

  taken(lane: Lane): number {
    this.#readGrants(lane);
    return this.#outgoing[lane].taken;
  }

  close(reason: CloseReason = { kind: 'closed' }): void {
    if (!this.isOpen) return;
    this.#end(reason);
    const frames = this.#outgoing.map((lane) => lane.framesSent);
    this.#control?.goodbye(reason, frames, this.#receiver.taken);
    if (this.#peerEnd === undefined) this.#linger.begin();
    else if (this.#hasSocketEnded) this.#release();
    else this.#control?.finish();
    this.#owner.wake();
  }

  /** Ends at once, as if the process had exited. Calls no handlers. */
  abort(message = 'this process has crashed'): void {
    this.#life.silence();
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
    this.#wasActive = true;
    this.#receiver.takeFrame(lane, offset, length, position);
    if (this.#peerEnd !== undefined) this.#settlePeerEnd();
  }

  receivedBlock(lane: Lane, length: number): void {
    this.#wasActive = true;
    this.#receiver.takeBlock(lane, length);
    if (this.#peerEnd !== undefined) this.#settlePeerEnd();
  }

  sent(lane: Lane, length: number): void {
    this.#slabs[lane].wasSent(length);
    this.#readGrants(lane);
    this.#life.reportWritable(lane, this.#outgoing[lane]);
  }

  connected(): void {
    this.#connected.resolve();
  }

  announced(lane: Lane, length: number): void {
    if (!this.isOpen) return;
    try {
      this.#receiver.announced(lane, length);
      this.#owner.wake();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#fail({ kind: 'protocol', message: error.message });
    }
  }

  granted(): void {
    this.#wasActive = true;
    for (const lane of LANES) {
      this.#readGrants(lane);
      this.#life.granted(lane, this.#outgoing[lane]);
    }
  }

  failed(status: number, reason: string): void {
    const message = reason === '' ? `UCX has failed (${status})` : reason;
    // Closed here: the peer has read everything and closed its rings. What it has taken comes on the socket, with its goodbye.
    if (status === Status.lost && this.#linger.isRunning && !this.isOpen) return;
    if (status === Status.lost) return this.#endAndRelease({ kind: 'lost', message });
    this.#fail({ kind: 'protocol', message });
  }

  // ---- ControlListener

  goodbye(reason: CloseReason, frames: readonly bigint[], taken: readonly bigint[]): void {
    if (this.#peerEnd !== undefined) return;
    for (const lane of LANES) {
      this.#readGrants(lane);
      const outgoing = this.#outgoing[lane];
      outgoing.granted(Math.min(Number(taken[lane] ?? 0), outgoing.sent));
    }
    this.#peerEnd = { reason, frames };
    if (!this.isOpen) return this.#control?.finish();
    this.#linger.begin();
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

  #deliverHeld(): void {
    this.#receiver.deliverHeld();
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

  /**
   * Takes the credit that the peer has granted. The goodbye of the peer has the exact totals, so later grants are ignored. The grants are in
   * the memory of the rings, which must not be read after the release. The rings count modulo 2^32.
   */
  #readGrants(lane: Lane): void {
    if (this.#peerEnd !== undefined || this.#isGone) return;
    const outgoing = this.#outgoing[lane];
    const inFlight = ((outgoing.sent >>> 0) - this.#endpoint.peerGranted(lane)) >>> 0;
    outgoing.granted(outgoing.sent - inFlight);
  }

  // ---- ending

  /** The peer has said goodbye: calls `closed` once all its frames were read. */
  #settlePeerEnd(): void {
    const peerEnd = this.#peerEnd;
    if (peerEnd === undefined || !this.isOpen) return;
    if (!this.#receiver.hasReceived(peerEnd.frames)) return;
    // All frames have arrived. Only the handlers are missing, so there is no deadline.
    this.#linger.end();
    if (this.#receiver.isHolding || !this.#life.hasHandlers) return;
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
    this.#linger.begin();
  }

  #end(reason: CloseReason): void {
    this.#life.end(reason);
    this.#connected.resolve();
  }

  #endAndRelease(reason: CloseReason): void {
    this.#end(reason);
    this.#release();
  }

  #release(): void {
    if (this.#isGone) return;
    for (const lane of LANES) this.#readGrants(lane);
    this.#isGone = true;
    this.#owner.liveness.remove(this);
    this.#linger.end();
    this.#endpoint.close();
    this.#receiver.discard();
    for (const slab of this.#slabs) slab.abandon();
    const isInOrder = this.#life.endReason?.kind === 'closed' && this.#peerEnd !== undefined && !this.#life.isSilent;
    if (isInOrder) this.#control?.finish();
    else this.#control?.destroy();
    this.#owner.gone(this);
  }
}
