import type { Socket } from 'node:net';
import { limits } from '../../limits.js';
import { FrameKind, frameOf, LINK_LANE } from './frame-format.js';
import type { Outgoing, OutgoingLane } from './outgoing-lane.js';

/**
 * Hands frames to the socket: those of the link itself first, then control, then data, and never more than the socket is likely to
 * write soon: what it has cannot be overtaken. All that one call hands over leaves in one system call.
 */
export class SocketWriter {
  readonly #socket: Socket;
  readonly #lanes: readonly OutgoingLane[];
  readonly #words: Uint8Array[] = [];
  #sequence = 0;
  #handedBytes = 0;
  /** Sent when nothing else waits; then the socket ends. */
  #last: Uint8Array | undefined;
  #isFinishing = false;

  /** Of `lanes`, earlier ones go first. */
  constructor(socket: Socket, lanes: readonly OutgoingLane[]) {
    this.#socket = socket;
    this.#lanes = lanes;
  }

  /** A frame of the link itself, for the next `pump`. */
  say(kind: FrameKind, payload: Uint8Array): void {
    if (!this.#isFinishing) this.#words.push(this.#frame(kind, payload));
  }

  /** Ends the socket behind all that was flushed, and behind a `close` frame when there is a payload for it. */
  finish(payload: Uint8Array | undefined): void {
    if (this.#isFinishing) return;
    this.#isFinishing = true;
    this.#last = payload;
    this.pump();
  }

  pump(): void {
    if (!this.#socket.writable) return;
    this.#socket.cork();
    while (this.#handedBytes < limits.linkBurstBytes && this.#handOne());
    this.#socket.uncork();
  }

  #handOne(): boolean {
    const word = this.#words.shift();
    if (word !== undefined) {
      this.#write(word);
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

  #writeOutgoing({ head, bytes, written }: Outgoing): void {
    if (head !== undefined) this.#write(head);
    this.#handedBytes += bytes.length;
    this.#socket.write(bytes, () => {
      this.#handedBytes -= bytes.length;
      written();
      this.pump();
    });
  }

  /** Small enough not to be counted. */
  #write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  #end(): void {
    if (this.#last !== undefined) this.#write(this.#frame(FrameKind.close, this.#last));
    this.#socket.end();
  }

  #frame(kind: FrameKind, payload: Uint8Array): Uint8Array {
    const sequence = this.#sequence;
    this.#sequence = (sequence + 1) & 0xffff;
    return frameOf(kind, LINK_LANE, sequence, payload);
  }
}
