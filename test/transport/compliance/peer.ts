import type { Lane } from '#src/protocol/index.js';
import type { CloseReason, Link, LinkHandlers, Transport } from '#src/transport/index.js';
import { until } from '../../support/until.js';

export interface ReceivedFrame {
  readonly lane: Lane;
  readonly bytes: Uint8Array;
}

/** One end of a link with everything that it was told, in order. */
export class Peer {
  readonly transport: Transport;
  readonly link: Link;
  readonly frames: ReceivedFrame[] = [];
  readonly closed: CloseReason[] = [];
  /** Callbacks that came after `closed`. */
  readonly late: string[] = [];
  readonly writable: Lane[] = [];
  /** What `send` has returned for each frame. */
  readonly totals: number[] = [];
  /** What the link has reported as taken, each time. */
  readonly reports: number[] = [];
  /** Called for each frame, inside the callback. */
  onFrame: (lane: Lane, bytes: Uint8Array) => void = () => {};
  onWritable: (lane: Lane) => void = () => {};
  onClosed: () => void = () => {};

  constructor(transport: Transport, link: Link, isListening = true) {
    this.transport = transport;
    this.link = link;
    if (isListening) this.listen();
  }

  /** A link without handlers is a receiver that does not read. */
  listen(): void {
    this.link.setHandlers(this.#handlers());
  }

  /** Waits for credit, writes `bytes` into the link's buffer and flushes. */
  async send(lane: Lane, bytes: Uint8Array): Promise<void> {
    await until('credit', () => this.trySend(lane, bytes) || !this.link.isOpen);
  }

  /** False without credit. */
  trySend(lane: Lane, bytes: Uint8Array): boolean {
    const buffer = this.link.acquire(lane, bytes.length);
    if (buffer === undefined) return false;
    buffer.set(bytes);
    this.totals.push(this.link.send(lane, buffer, bytes.length));
    this.transport.flush();
    return true;
  }

  /** Sends frames of `bytes` until the lane has no credit; gives their number. */
  fill(lane: Lane, bytes: Uint8Array): number {
    let sent = 0;
    while (this.trySend(lane, bytes)) sent += 1;
    return sent;
  }

  framesOn(lane: Lane): Uint8Array[] {
    return this.frames.filter((frame) => frame.lane === lane).map((frame) => frame.bytes);
  }

  async receives(count: number): Promise<void> {
    await until(`${count} frames`, () => this.frames.length >= count);
  }

  async end(): Promise<CloseReason> {
    await until('the end of the link', () => this.closed.length > 0);
    const [reason] = this.closed;
    if (reason === undefined) throw new Error('closed without a reason');
    return reason;
  }

  #handlers(): LinkHandlers {
    return {
      frame: (lane, bytes) => {
        if (this.closed.length > 0) this.late.push('frame');
        this.frames.push({ lane, bytes: bytes.slice() });
        this.onFrame(lane, bytes);
      },
      writable: (lane) => {
        if (this.closed.length > 0) this.late.push('writable');
        this.writable.push(lane);
        this.onWritable(lane);
      },
      taken: (lane) => {
        if (this.closed.length > 0) this.late.push('taken');
        this.reports.push(this.link.taken(lane));
      },
      closed: (reason) => {
        if (this.closed.length > 0) this.late.push('closed');
        this.closed.push(reason);
        this.onClosed();
      },
    };
  }
}

/** A link between two fresh processes; `server` accepted it. */
export interface Pair {
  readonly client: Peer;
  readonly server: Peer;
}

/** Starts processes. */
export interface TransportSource {
  create(): Promise<Transport>;
}

export interface PairOptions {
  /** Leaves the server's end without handlers. */
  readonly isServerDeaf?: boolean;
}

export async function openPair(bench: TransportSource, options: PairOptions = {}): Promise<Pair> {
  const [near, far] = [await bench.create(), await bench.create()];
  const accepted: Peer[] = [];
  const address = await far.listen((link) => accepted.push(new Peer(far, link, options.isServerDeaf !== true)));
  const client = new Peer(near, await near.connect(address, { timeoutMs: 30_000 }));
  await until('the server to accept', () => accepted.length > 0);
  const [server] = accepted;
  if (server === undefined) throw new Error('no link was accepted');
  return { client, server };
}

/** A frame whose content tells its number and whether it is whole. */
export function numbered(number: number, sizeBytes = 16): Uint8Array {
  const bytes = new Uint8Array(Math.max(4, sizeBytes)).fill(number & 0x7f);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

export function numberOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}
