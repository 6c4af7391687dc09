import type { Socket } from 'node:net';
import { ConfigError, ProtocolError } from '../../errors.js';
import { Lane } from '../../protocol/index.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';
import { limits } from '../../limits.js';
import type { Companion } from '../companion/index.js';
import type { CloseReason, Link, LinkHandlers } from '../transport.js';
import { creditPayload, FrameKind, readCredit, readReason, reasonPayload } from './frame-format.js';
import { FrameParser, type FrameSink } from './frame-parser.js';
import { HeldFrames } from './held-frames.js';
import { IncomingLane } from './incoming-lane.js';
import { OutgoingLane } from './outgoing-lane.js';
import { hostSilence } from './kernel-table.js';
import type { Slabs } from './slabs.js';
import { SocketWriter } from './socket-writer.js';
import type { Vigil, Watched } from './vigil.js';

const NOTHING = new Uint8Array(0);
/** The most that Node reads at a time: after less, the socket is empty. */
const READ_BYTES = 64 * 1024;

/** What a link needs of the transport that owns it. */
export interface LinkOwner {
  readonly scheduler: Scheduler;
  readonly slabs: Slabs;
  readonly vigil: Vigil;
  /** There are frames to flush. */
  hasUnsent(link: NetLink): void;
  /** Its socket is closed: nothing of the link is left. */
  gone(link: NetLink): void;
}

/** One end of a socket between two processes that know one another. */
export class NetLink implements Link, FrameSink, Watched {
  readonly id: number;
  readonly peerAddress: string;
  readonly isReliable = true;
  readonly isHostSilent: (() => Promise<boolean>) | undefined;
  readonly #socket: Socket;
  readonly #owner: LinkOwner;
  readonly #outgoing: { readonly [L in Lane]: OutgoingLane };
  readonly #incoming: { readonly [L in Lane]: IncomingLane } = {
    [Lane.control]: new IncomingLane(),
    [Lane.data]: new IncomingLane(),
  };
  readonly #writer: SocketWriter;
  readonly #parser: FrameParser;
  readonly #held = new HeldFrames();
  #unread: Uint8Array;
  #handlers: LinkHandlers | undefined;
  #endReason: CloseReason | undefined;
  /** The peer has said that nothing comes any more. */
  #isPeerDone = false;
  #isSilent = false;
  #wasHeard = false;
  #hasUnsent = false;
  #linger: Timer | undefined;
  #socketError: Error | undefined;
  #bytesSent = 0;
  #bytesReceived = 0;

  constructor(id: number, { socket, peerAddress, unread, isLocal }: Companion, owner: LinkOwner) {
    this.id = id;
    this.peerAddress = peerAddress;
    this.#socket = socket;
    this.#owner = owner;
    this.#outgoing = {
      [Lane.control]: new OutgoingLane(Lane.control, peerAddress, owner.slabs),
      [Lane.data]: new OutgoingLane(Lane.data, peerAddress, owner.slabs),
    };
    this.#writer = new SocketWriter(socket, [this.#outgoing[Lane.control], this.#outgoing[Lane.data]]);
    this.#parser = new FrameParser(this, owner.slabs);
    socket.on('data', ({ buffer, byteOffset, length }: Buffer) => {
      this.#readFirst();
      // Handlers get no Buffers, whose `slice` is no copy.
      this.#read(new Uint8Array(buffer, byteOffset, length));
    });
    socket.on('end', () => this.#peerEnded());
    socket.on('error', (error) => {
      this.#socketError = error;
    });
    socket.on('close', () => this.#socketClosed());
    if (!isLocal) this.isHostSilent = hostSilence(socket);
    owner.vigil.add(this);
    this.#unread = new Uint8Array(unread);
    // In a turn of its own: nobody has the link yet.
    if (unread.length > 0) owner.scheduler.schedule(() => this.#readFirst());
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

  setHandlers(handlers: LinkHandlers): void {
    if (this.#handlers !== undefined) throw new ConfigError(`Link to ${this.peerAddress} has its handlers already.`);
    this.#handlers = handlers;
    const reason = this.#endReason;
    this.#owner.scheduler.schedule(() => (reason === undefined ? this.#deliverHeld() : this.#tellEnd(reason)));
  }

  acquire(lane: Lane, sizeBytes: number): Uint8Array | undefined {
    if (!this.isReading) return undefined;
    const buffer = this.#outgoing[lane].acquire(sizeBytes);
    // What asks for credit waits for no flush: its owner may have nothing more to flush.
    if (buffer === undefined) this.#owner.scheduler.schedule(() => this.#writer.pump());
    return buffer;
  }

  send(lane: Lane, buffer: Uint8Array, length: number): void {
    this.#outgoing[lane].send(buffer, length, this.isReading);
    if (!this.isReading) return;
    this.#bytesSent += length;
    if (this.#hasUnsent) return;
    this.#hasUnsent = true;
    this.#owner.hasUnsent(this);
  }

  flush(): void {
    if (!this.#hasUnsent) return;
    this.#hasUnsent = false;
    this.#outgoing[Lane.control].flush();
    this.#outgoing[Lane.data].flush();
    this.#writer.pump();
  }

  close(reason: CloseReason = { kind: 'closed' }): void {
    if (!this.isOpen) return;
    this.#outgoing[Lane.control].flush();
    this.#outgoing[Lane.data].flush();
    this.#end(reason);
    this.#writer.finish(reasonPayload(reason));
    this.#beginLinger();
  }

  /** Ends at once, as the end of the process would: nothing is told to anybody. */
  abort(): void {
    this.#isSilent = true;
    this.#endReason ??= { kind: 'lost', message: 'this process has crashed' };
    this.#socket.destroy();
  }

  // ---- what the vigil asks

  wasHeard(): boolean {
    const wasHeard = this.#wasHeard;
    this.#wasHeard = false;
    return wasHeard;
  }

  ping(): void {
    this.#writer.say(FrameKind.ping, NOTHING);
    this.#writer.pump();
  }

  lost(message: string): void {
    this.#end({ kind: 'lost', message });
    this.#socket.destroy();
  }

  // ---- what the parser finds

  get isReading(): boolean {
    return this.isOpen && !this.#isPeerDone;
  }

  admit(lane: Lane, sizeBytes: number): void {
    this.#incoming[lane].admit(sizeBytes);
  }

  frame(lane: Lane, bytes: Uint8Array): void {
    if (this.#handlers === undefined || !this.#held.isEmpty) this.#held.add(lane, bytes);
    else this.#deliver(this.#handlers, lane, bytes);
  }

  want(lane: Lane): void {
    this.#incoming[lane].want();
  }

  word(kind: FrameKind, bytes: Uint8Array): void {
    if (kind === FrameKind.credit) this.#granted(bytes);
    else if (kind === FrameKind.ping) this.#writer.say(FrameKind.pong, NOTHING);
    else if (kind === FrameKind.close) this.#peerClosed(readReason(bytes));
  }

  // ---- receiving

  /** What came right behind the hello. */
  #readFirst(): void {
    const unread = this.#unread;
    this.#unread = NOTHING;
    if (unread.length > 0) this.#read(unread);
  }

  #read(bytes: Uint8Array): void {
    this.#wasHeard = true;
    if (!this.isReading) return;
    try {
      this.#parser.push(bytes);
      if (bytes.length < READ_BYTES) this.#parser.rest();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.close({ kind: 'protocol', message: error.message });
    }
    if (this.isOpen) this.#grant();
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
    this.#incoming[lane].wasRead(bytes.length);
  }

  #deliverHeld(): void {
    const handlers = this.#handlers;
    for (let next = this.#held.take(); next !== undefined && handlers !== undefined; next = this.#held.take()) {
      if (this.isOpen) this.#deliver(handlers, next.lane, next.bytes);
    }
    if (!this.isOpen) return;
    const reason = this.#held.end;
    if (reason === undefined) this.#grant();
    else this.#end(reason);
  }

  /** Tells the peer what was read, when it is worth it or the peer has asked. */
  #grant(): void {
    const control = this.#incoming[Lane.control];
    const data = this.#incoming[Lane.data];
    if (control.owesGrant || data.owesGrant) {
      this.#writer.say(FrameKind.credit, creditPayload(control.read, data.read));
      control.granted();
      data.granted();
    }
    this.#writer.pump();
  }

  #granted(bytes: Uint8Array): void {
    const totals = readCredit(bytes);
    this.#outgoing[Lane.control].grant(totals.control);
    this.#outgoing[Lane.data].grant(totals.data);
    for (const lane of [Lane.control, Lane.data]) this.#offerCredit(lane);
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

  /** All it has sent was read by now; what is sent to it is for nobody. */
  #peerClosed(reason: CloseReason): void {
    this.#isPeerDone = true;
    this.#outgoing[Lane.control].discard();
    this.#outgoing[Lane.data].discard();
    this.#writer.finish(undefined);
    this.#beginLinger();
    if (this.#handlers !== undefined && this.#held.isEmpty) this.#end(reason);
    else this.#held.end = reason;
  }

  /** Without a word first, the peer's process is gone. */
  #peerEnded(): void {
    if (!this.#isPeerDone && this.isOpen) this.lost('the process at the other end is gone');
  }

  #socketClosed(): void {
    if (this.#linger !== undefined) this.#owner.scheduler.clearTimer(this.#linger);
    this.#linger = undefined;
    this.#owner.vigil.remove(this);
    this.#outgoing[Lane.control].discard();
    this.#outgoing[Lane.data].discard();
    if (!this.#isPeerDone) {
      this.#end({ kind: 'lost', message: this.#socketError?.message ?? 'the connection was closed' });
    }
    this.#owner.gone(this);
  }

  #end(reason: CloseReason): void {
    if (!this.isOpen) return;
    this.#endReason = reason;
    if (this.#handlers !== undefined) this.#owner.scheduler.schedule(() => this.#tellEnd(reason));
  }

  #tellEnd(reason: CloseReason): void {
    if (!this.#isSilent) this.#handlers?.closed(reason);
  }

  /** The socket has a while to bring across what was sent, and to hear that the peer is done. */
  #beginLinger(): void {
    this.#linger ??= this.#owner.scheduler.setTimer(limits.linkLingerMs, () => this.#socket.destroy());
  }
}
