import { Deferred } from '../../deferred.js';
import { encode } from '../../protocol/index.js';
import { v1 } from '../../protocol/on-demand/index.js';
import { RingQueue } from '../../ring-queue.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';
import type { GatewayLimits } from './gateway-options.js';

/** One WebSocket as a connection uses it. */
export interface FrameSocket {
  /** Bytes that were sent and have not left. */
  readonly bufferedBytes: number;
  /** `written` is called when the bytes have left, or the socket has closed. */
  send(frame: Uint8Array, written: () => void): void;
  /** Reads no frames until `resume`. */
  pause(): void;
  resume(): void;
  ping(): void;
  /** Says why, and ends at once where the peer does not answer soon. */
  close(code: number, reason: string): void;
}

/** Time in which what a client has asked for at once may leave, in ms: it cannot before the turn that answers ends. */
const CUT_AFTER_MS = 2_000;

export type GatewayFrame = NonNullable<v1.GatewayFrameInit['frame']>;

/** The frames of the client. */
type Incoming = Pick<FrameSocket, 'pause' | 'resume'>;

/** One element that waits for room: at most one for each stream. */
interface WaitingElement {
  readonly frame: GatewayFrame;
  /** Nobody reads its stream any more. */
  readonly isOver: () => boolean;
  readonly sent: Deferred<void>;
}

/**
 * The frames to one client. While much waits for it, its calls are not read and its streams stand still. A client that does not read is cut off: what waits for it
 * is bounded by `bufferBytes`, and the replies to calls that it had made before.
 */
export class Outgoing {
  readonly #socket: FrameSocket;
  readonly #incoming: Incoming;
  readonly #scheduler: Scheduler;
  readonly #limits: GatewayLimits;
  readonly #cut: (why: string) => void;
  /** Set while more waits than it should. */
  #full: { readonly room: Deferred<void>; readonly timer: Timer } | undefined;
  /** Elements that streams had under way when it became full: the oldest is sent first, so that streams take turns. */
  readonly #elements = new RingQueue<WaitingElement>();
  /** Set while more waits than a client may leave unread. */
  #cutting: Timer | undefined;
  /** Why the socket is not read. */
  #holds = 0;
  #isOver = false;

  constructor(
    socket: FrameSocket,
    incoming: Incoming,
    scheduler: Scheduler,
    limits: GatewayLimits,
    cut: (why: string) => void,
  ) {
    this.#socket = socket;
    this.#incoming = incoming;
    this.#scheduler = scheduler;
    this.#limits = limits;
    this.#cut = cut;
  }

  send(frame: GatewayFrame): void {
    if (this.#isOver) return;
    this.#socket.send(encode(v1.GatewayFrame, { frame }), () => this.#written());
    const { bufferedBytes } = this.#socket;
    if (this.#full === undefined && bufferedBytes > this.#limits.bufferBytes) {
      const ms = this.#limits.slowReaderMs;
      const timer = this.#scheduler.setTimer(ms, () => this.#cut(`it has not read for ${ms} ms`));
      this.#full = { room: new Deferred(), timer };
      this.hold();
    }
    if (bufferedBytes > this.#limits.cutBytes) this.#cutting ??= this.#cutUnlessRead();
  }

  #cutUnlessRead(): Timer {
    return this.#scheduler.setTimer(CUT_AFTER_MS, () => {
      this.#cutting = undefined;
      const { bufferedBytes } = this.#socket;
      if (bufferedBytes > this.#limits.cutBytes) this.#cut(`${bufferedBytes} bytes have waited for it`);
    });
  }

  /** Sends an element when there is room. Resolves when it was sent, or is not wanted any more; undefined when it was sent at once. */
  sendElement(frame: GatewayFrame, isOver: () => boolean): Promise<void> | undefined {
    if (this.#isOver) return undefined;
    if (this.#full === undefined && this.#elements.size === 0) {
      this.send(frame);
      return undefined;
    }
    const sent = new Deferred<void>();
    this.#elements.push({ frame, isOver, sent });
    return sent.promise;
  }

  /** Resolves when the client has read on, or is gone; undefined when there is room now. */
  room(): Promise<void> | undefined {
    return this.#full?.room.promise;
  }

  /** Reads no frames of the client until `release` was called as often. */
  hold(): void {
    if (this.#holds++ === 0) this.#incoming.pause();
  }

  release(): void {
    if (--this.#holds === 0 && !this.#isOver) this.#incoming.resume();
  }

  end(): void {
    this.#isOver = true;
    this.#full?.room.resolve();
    if (this.#cutting !== undefined) this.#scheduler.clearTimer(this.#cutting);
    this.#empty();
    for (const { sent } of this.#elements.drain()) sent.resolve();
  }

  #written(): void {
    if (this.#full === undefined || this.#socket.bufferedBytes > this.#limits.bufferBytes / 2) return;
    const { room } = this.#full;
    this.#empty();
    this.release();
    // Frames of the client are read first, however much its streams send: it may cancel them.
    this.#scheduler.scheduleYield(() => {
      this.#sendElements();
      room.resolve();
    });
  }

  #sendElements(): void {
    while (this.#full === undefined) {
      const next = this.#elements.shift();
      if (next === undefined) return;
      if (!next.isOver()) this.send(next.frame);
      next.sent.resolve();
    }
  }

  #empty(): void {
    if (this.#full === undefined) return;
    this.#scheduler.clearTimer(this.#full.timer);
    this.#full = undefined;
  }
}
