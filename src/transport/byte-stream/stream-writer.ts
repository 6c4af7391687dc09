import type { Duplex } from 'node:stream';
import { limits } from '../../limits.js';
import { FrameKind, frameOf, LINK_LANE } from './frame-format.js';
import type { FrameQueue, QueuedWrite } from './frame-queue.js';

/** Most pongs that wait for the socket. */
const MAX_QUEUED_PONGS = 16;
const nothing = (): void => {};

/**
 * Writes frames to the stream: control messages of the link first, then the control lane, then the data lane. It keeps at most
 * `limits.linkBurstBytes` in the socket, because nothing can overtake bytes that the socket has. All writes of one `pump` leave in one
 * system call.
 */
export class StreamWriter {
  readonly #stream: Duplex;
  readonly #lanes: readonly FrameQueue[];
  readonly #controls: Uint8Array[] = [];
  #sequence = 0;
  #handedBytes = 0;
  /** Payload of the close message. It is sent after everything else; then the socket ends. */
  #last: Uint8Array | undefined;
  #isFinishing = false;

  /** `lanes`: the first has the highest priority. */
  constructor(stream: Duplex, lanes: readonly FrameQueue[]) {
    this.#stream = stream;
    this.#lanes = lanes;
  }

  /** Queues a control message of the link for the next `pump`. Drops a pong if too many wait: a peer that only pings must not fill memory. */
  sendControl(kind: FrameKind, payload: Uint8Array): void {
    if (this.#isFinishing || (kind === FrameKind.pong && this.#controls.length >= MAX_QUEUED_PONGS)) return;
    this.#controls.push(this.#frame(kind, payload));
  }

  /** Ends the socket after all flushed frames, and after a `close` message if there is a payload for one. */
  finish(payload: Uint8Array | undefined): void {
    if (this.#isFinishing) return;
    this.#isFinishing = true;
    this.#last = payload;
    this.pump();
  }

  pump(): void {
    if (!this.#stream.writable) return;
    this.#stream.cork();
    while (this.#handedBytes < limits.linkBurstBytes && this.#handOne());
    this.#stream.uncork();
  }

  #handOne(): boolean {
    const control = this.#controls.shift();
    if (control !== undefined) {
      this.#write(control, nothing);
      return true;
    }
    for (const lane of this.#lanes) {
      const outgoing = lane.next();
      if (outgoing === undefined) continue;
      this.#writeOutgoing(outgoing);
      return true;
    }
    if (this.#isFinishing) this.#end();
    return false;
  }

  #writeOutgoing({ head, bytes, written }: QueuedWrite): void {
    if (head !== undefined) this.#stream.write(head);
    this.#write(bytes, written);
  }

  #write(bytes: Uint8Array, written: () => void): void {
    this.#handedBytes += bytes.length;
    this.#stream.write(bytes, () => {
      this.#handedBytes -= bytes.length;
      written();
      this.pump();
    });
  }

  #end(): void {
    if (this.#last !== undefined) this.#stream.write(this.#frame(FrameKind.close, this.#last));
    this.#stream.end();
  }

  #frame(kind: FrameKind, payload: Uint8Array): Uint8Array {
    const sequence = this.#sequence;
    this.#sequence = (sequence + 1) & 0xffff;
    return frameOf(kind, LINK_LANE, sequence, payload);
  }
}
