import type { Socket } from 'node:net';
import { limits } from '../../limits.js';
import { FrameKind, frameOf, LINK_LANE } from './frame-format.js';
import type { Outgoing, OutgoingLane } from './outgoing-lane.js';

/** Answers to pings that wait for the socket. */
const WAITING_WORDS = 16;
const nothing = (): void => {};

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

  /** A frame of the link itself, for the next `pump`. A peer that takes none gets no more: what it asks for piles up nowhere. */
  say(kind: FrameKind, payload: Uint8Array): void {
    if (this.#isFinishing || (kind === FrameKind.pong && this.#words.length >= WAITING_WORDS)) return;
    this.#words.push(this.#frame(kind, payload));
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
      this.#write(word, nothing);
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
    if (head !== undefined) this.#socket.write(head);
    this.#write(bytes, written);
  }

  #write(bytes: Uint8Array, written: () => void): void {
    this.#handedBytes += bytes.length;
    this.#socket.write(bytes, () => {
      this.#handedBytes -= bytes.length;
      written();
      this.pump();
    });
  }

  #end(): void {
    if (this.#last !== undefined) this.#socket.write(this.#frame(FrameKind.close, this.#last));
    this.#socket.end();
  }

  #frame(kind: FrameKind, payload: Uint8Array): Uint8Array {
    const sequence = this.#sequence;
    this.#sequence = (sequence + 1) & 0xffff;
    return frameOf(kind, LINK_LANE, sequence, payload);
  }
}
