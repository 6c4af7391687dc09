import type { Duplex } from 'node:stream';
import { ProtocolError } from '../../errors.js';
import { limits } from '../../limits.js';
import { Lane, LANES } from '../../protocol/index.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';
import {
  type ConnectionSocket,
  type PeerConnection,
  hostSilenceProbe,
  type LivenessMonitor,
  type MonitoredLink,
} from '../handshake/index.js';
import type { BufferPool } from '../buffer-pool.js';
import { Linger } from '../linger.js';
import { LinkLife } from '../link-life.js';
import { OutgoingLane } from '../outgoing-lane.js';
import type { Carrier, CloseReason, Link, LinkHandlers, RepeatCounters } from '../transport.js';
import { FrameKind, readCredit, readReason, reasonPayload } from './frame-format.js';
import { FrameQueue } from './frame-queue.js';
import { Receiver, type ReceiverOwner } from './receiver.js';
import { StreamWriter } from './stream-writer.js';

const NOTHING = new Uint8Array(0);

/** What a link needs from the transport that owns it. */
export interface LinkOwner {
  /** Name of the transport. */
  readonly name: string;
  /** What carries a connection, as `Carrier.medium`. */
  mediumOf(socket: ConnectionSocket): string;
  /** As `Link.repeats`. */
  repeatsOf(socket: ConnectionSocket): RepeatCounters | undefined;
  readonly scheduler: Scheduler;
  readonly pool: BufferPool;
  readonly liveness: LivenessMonitor;
  /** The link has frames to flush. */
  hasUnsent(link: StreamLink): void;
  /** The stream of the link is closed, and all its memory is free. */
  gone(link: StreamLink): void;
}

/** One end of a link over an authenticated stream of bytes. */
export class StreamLink implements Link, ReceiverOwner, MonitoredLink {
  readonly id: number;
  readonly peerAddress: string;
  readonly isReliable = true;
  readonly carrier: Carrier;
  readonly isHostSilent: (() => Promise<boolean>) | undefined;
  readonly #stream: Duplex;
  readonly #socket: ConnectionSocket;
  readonly #owner: LinkOwner;
  readonly #life: LinkLife;
  readonly #linger: Linger;
  readonly #queues: { readonly [L in Lane]: FrameQueue };
  readonly #outgoing: { readonly [L in Lane]: OutgoingLane };
  readonly #writer: StreamWriter;
  readonly #receiver: Receiver;
  #unread: Uint8Array;
  /** Set when the peer has closed. The handlers get the frames before it first. */
  #peerReason: CloseReason | undefined;
  /** This end has closed, and reads on what the peer has taken. */
  #isFinishing = false;
  #wasActive = false;
  #hasUnsent = false;
  /** Set while the peer does not know of all frames read. */
  #grantTimer: Timer | undefined;
  #streamError: Error | undefined;
  /** The cost of the frames sent at the last request for credit, on each lane. */
  readonly #requestedAt: [number, number] = [-1, -1];

  constructor(id: number, connection: PeerConnection, owner: LinkOwner) {
    const { stream, socket, peerAddress, unread, isLocal } = connection;
    this.id = id;
    this.peerAddress = peerAddress;
    this.carrier = { transport: owner.name, medium: owner.mediumOf(socket) };
    this.#stream = stream;
    this.#socket = socket;
    this.#owner = owner;
    this.#life = new LinkLife({ peerAddress: () => peerAddress, schedule: (turn) => owner.scheduler.schedule(turn) });
    this.#linger = new Linger(owner.scheduler, () => stream.destroy());
    const control = new FrameQueue(Lane.control, owner.pool);
    const data = new FrameQueue(Lane.data, owner.pool);
    this.#queues = { [Lane.control]: control, [Lane.data]: data };
    this.#outgoing = {
      [Lane.control]: new OutgoingLane(control, () => peerAddress),
      [Lane.data]: new OutgoingLane(data, () => peerAddress),
    };
    this.#writer = new StreamWriter(stream, [control, data]);
    this.#receiver = new Receiver(this, this.#life, owner.pool);
    this.#unread = new Uint8Array(unread);
    this.#listen();
    if (!isLocal) this.isHostSilent = hostSilenceProbe(socket);
    owner.liveness.add(this);
    // In a later turn: the owner does not have the link yet.
    if (unread.length > 0) this.#owner.scheduler.schedule(() => this.#readFirst());
  }

  get isOpen(): boolean {
    return this.#life.isOpen;
  }

  get isUnresponsive(): boolean {
    return this.#owner.liveness.isUnresponsive(this);
  }

  get repeats(): RepeatCounters | undefined {
    return this.#owner.repeatsOf(this.#socket);
  }

  get bytesSent(): number {
    return this.#life.bytesSent;
  }

  get bytesReceived(): number {
    return this.#life.bytesReceived;
  }

  setHandlers(handlers: LinkHandlers): void {
    if (this.#life.setHandlers(handlers)) this.#owner.scheduler.schedule(() => this.#begin());
  }

  acquire(lane: Lane, sizeBytes: number): Uint8Array | undefined {
    if (!this.#isUsable) return undefined;
    const buffer = this.#outgoing[lane].acquire(sizeBytes);
    if (buffer === undefined) this.#requestCredit(lane);
    return buffer;
  }

  send(lane: Lane, buffer: Uint8Array, length: number): number {
    const total = this.#outgoing[lane].send(buffer, length, this.#isUsable);
    if (!this.#isUsable) return total;
    this.#life.sent(length);
    if (!this.#hasUnsent) {
      this.#hasUnsent = true;
      this.#owner.hasUnsent(this);
    }
    return total;
  }

  taken(lane: Lane): number {
    return this.#outgoing[lane].taken;
  }

  flush(): void {
    if (!this.#hasUnsent) return;
    this.#hasUnsent = false;
    for (const lane of LANES) this.#queues[lane].flush();
    this.#writer.pump();
  }

  close(reason: CloseReason = { kind: 'closed' }): void {
    if (!this.isOpen) return;
    for (const lane of LANES) this.#queues[lane].flush();
    // The peer learns exactly what was taken of what it has sent.
    if (this.#receiver.hasUngranted) this.#sendGrant();
    this.#isFinishing = this.#peerReason === undefined;
    this.#end(reason);
    this.#writer.finish(reasonPayload(reason));
    this.#linger.begin();
  }

  /** Ends at once, as if the process had exited. Calls no handlers. */
  abort(): void {
    this.#life.silence();
    this.#end({ kind: 'lost', message: 'this process has crashed' });
    this.#stream.destroy();
  }

  // ---- MonitoredLink

  wasActive(): boolean {
    const wasActive = this.#wasActive;
    this.#wasActive = false;
    return wasActive;
  }

  ping(): void {
    this.#writer.sendControl(FrameKind.ping, NOTHING);
    this.#writer.pump();
  }

  lost(message: string): void {
    this.#end({ kind: 'lost', message });
    this.#stream.destroy();
  }

  // ---- receiving

  get isReading(): boolean {
    return this.#isUsable || this.#isFinishing;
  }

  /** Neither end has closed. */
  get #isUsable(): boolean {
    return this.isOpen && this.#peerReason === undefined;
  }

  onControl(kind: FrameKind, bytes: Uint8Array): void {
    if (kind === FrameKind.credit) this.#granted(bytes);
    else if (kind === FrameKind.ping) this.#writer.sendControl(FrameKind.pong, NOTHING);
    else if (kind === FrameKind.close && this.isOpen) this.#peerClosed(readReason(bytes));
    // Both ends have closed: the peer takes nothing more.
    else if (kind === FrameKind.close) this.#isFinishing = false;
  }

  #listen(): void {
    this.#stream
      .on('data', ({ buffer, byteOffset, length }: Buffer) => {
        this.#readFirst();
        // Handlers must not get a Buffer: its `slice` does not copy.
        this.#read(new Uint8Array(buffer, byteOffset, length));
      })
      .on('end', () => this.#peerEnded())
      .on('error', (error) => {
        this.#streamError = error;
      })
      .on('close', () => this.#streamClosed());
  }

  /** Reads the bytes that arrived right after the handshake. */
  #readFirst(): void {
    const unread = this.#unread;
    this.#unread = NOTHING;
    if (unread.length > 0) this.#read(unread);
  }

  #read(bytes: Uint8Array): void {
    this.#wasActive = true;
    if (!this.isReading) return;
    try {
      this.#receiver.read(bytes);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#isFinishing = false;
      this.close({ kind: 'protocol', message: error.message });
    }
    this.#grant();
  }

  #begin(): void {
    this.#receiver.begin();
    if (this.#peerReason !== undefined) this.#answerClose(this.#peerReason);
    this.#grant();
  }

  /** Grants credit for the frames read: at once if it is enough or the peer has requested it, else after `takenReportMs`. */
  #grant(): void {
    if (this.isOpen && this.#receiver.shouldGrant) this.#sendGrant();
    else if (this.isOpen && this.#receiver.hasUngranted) this.#grantLater();
    this.#writer.pump();
  }

  #sendGrant(): void {
    this.#writer.sendControl(FrameKind.credit, this.#receiver.takeGrant());
  }

  #grantLater(): void {
    this.#grantTimer ??= this.#owner.scheduler.setTimer(limits.takenReportMs, () => {
      this.#grantTimer = undefined;
      if (!this.isOpen || !this.#receiver.hasUngranted) return;
      this.#sendGrant();
      this.#writer.pump();
    });
  }

  #granted(bytes: Uint8Array): void {
    const totals = readCredit(bytes);
    this.#outgoing[Lane.control].granted(totals.control);
    this.#outgoing[Lane.data].granted(totals.data);
    for (const lane of LANES) this.#life.granted(lane, this.#outgoing[lane]);
  }

  /** Once for all that was sent. It must not wait for a flush: the owner may have nothing to flush. */
  #requestCredit(lane: Lane): void {
    const { sent } = this.#outgoing[lane];
    if (this.#requestedAt[lane] === sent) return;
    this.#requestedAt[lane] = sent;
    this.#queues[lane].requestCredit();
    this.#owner.scheduler.schedule(() => this.#writer.pump());
  }

  // ---- ending

  /** The peer has closed. All its frames were received; frames queued to it are dropped. */
  #peerClosed(reason: CloseReason): void {
    this.#peerReason = reason;
    for (const lane of LANES) this.#queues[lane].discard();
    this.#linger.begin();
    if (this.#receiver.isCaughtUp) this.#answerClose(reason);
  }

  /** The handlers have had all frames of the peer, which learns that. */
  #answerClose(reason: CloseReason): void {
    if (this.isOpen && this.#receiver.hasUngranted) this.#sendGrant();
    this.#writer.finish(undefined);
    this.#end(reason);
  }

  /** The socket ended. Without a close message before, the peer's process has exited. */
  #peerEnded(): void {
    if (this.#isUsable) this.lost('the process at the other end has exited');
  }

  #streamClosed(): void {
    this.#linger.end();
    this.#receiver.close();
    this.#owner.liveness.remove(this);
    for (const lane of LANES) this.#queues[lane].discard();
    if (this.#peerReason === undefined) {
      this.#end({ kind: 'lost', message: this.#streamError?.message ?? 'the connection was closed' });
    }
    this.#owner.gone(this);
  }

  #end(reason: CloseReason): void {
    if (!this.isOpen) return;
    if (this.#grantTimer !== undefined) this.#owner.scheduler.clearTimer(this.#grantTimer);
    this.#life.end(reason);
  }
}
