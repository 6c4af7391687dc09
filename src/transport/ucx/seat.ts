import { ResourceError } from '../../errors.js';
import type { Lane } from '../../protocol/index.js';
import { ADDRESS_BYTES, linkWords, SLAB_BYTES, Status, Submit, slabs } from './abi.js';
import type { EnginePointer } from './library.js';
import type { RingListener, Rings } from './rings.js';

export interface SeatOptions {
  readonly rings: Rings;
  readonly engine: EnginePointer;
  readonly handle: number;
  readonly words: Uint32Array;
  readonly slabs: ArrayBuffer;
}

const NAMES_BYTES = 128;
const GRANTED = linkWords.granted / 4;
const RELEASED = linkWords.released / 4;
const PEER_GRANTED = linkWords.peerGranted / 4;
const FRAMES_SENT = linkWords.framesSent / 4;
const FRAMES_RECEIVED = linkWords.framesReceived / 4;

/** One end of a link in the rings: its place, its memory, and its UCX worker, which ends with it. */
export class Seat {
  readonly handle: number;
  readonly rings: Rings;
  /** One for each lane. */
  readonly transmit: readonly [Uint8Array, Uint8Array];
  readonly receive: readonly [Uint8Array, Uint8Array];
  readonly #engine: EnginePointer;
  readonly #words: Uint32Array;
  #isClosed = false;

  constructor(options: SeatOptions) {
    this.handle = options.handle;
    this.rings = options.rings;
    this.#engine = options.engine;
    this.#words = options.words;
    const at = (offset: number): Uint8Array => new Uint8Array(options.slabs, offset, SLAB_BYTES);
    this.transmit = [at(0), at(SLAB_BYTES)];
    this.receive = [at(slabs.receive), at(slabs.receive + SLAB_BYTES)];
  }

  /** What the peer has to know to reach this end. */
  address(): Uint8Array {
    const address = new Uint8Array(ADDRESS_BYTES);
    const length = this.rings.shim.linkAddress(this.#engine, this.handle, address, ADDRESS_BYTES);
    if (length <= 0) throw this.rings.failure('A UCX link has no address');
    return address.slice(0, length);
  }

  /** Joins to the peer's end. Only an authenticated peer may have given the address: UCX believes it. */
  connect(address: Uint8Array, token: bigint): void {
    const status = this.rings.shim.linkConnect(this.#engine, this.handle, address, address.length, token);
    if (status !== Status.ok) throw this.rings.failure('A UCX link cannot be joined');
  }

  /** What UCX uses for this link, such as `posix`. */
  transports(): string {
    const names = new Uint8Array(NAMES_BYTES);
    const status = this.rings.shim.linkTransports(this.#engine, this.handle, names, NAMES_BYTES);
    if (status !== Status.ok) throw this.rings.failure('The transports of a UCX link are unknown');
    return Buffer.from(names).toString('latin1', 0, names.indexOf(0));
  }

  listen(listener: RingListener): void {
    this.rings.listen(this.handle, listener);
  }

  send(lane: Lane, offset: number, length: number): void {
    if (!this.#isClosed) this.rings.submit(Submit.send, this.handle, lane, offset, length);
  }

  /** `block` must live until its `sent`, or the end of the seat. */
  sendBlock(lane: Lane, block: Uint8Array, length: number): void {
    const status = this.rings.shim.lendTransmit(this.#engine, this.handle, lane, block, length);
    if (status !== Status.ok) throw new ResourceError(`A block cannot be sent: ${this.rings.shim.lastReason()}.`);
    this.rings.submit(Submit.sendBlock, this.handle, lane, 0, length);
    // The next block can be lent only when the shim has taken this one.
    this.rings.turn(0);
  }

  /** `block` must live until its `receivedBlock`, or the end of the seat. */
  receiveBlock(lane: Lane, block: Uint8Array, length: number): void {
    const status = this.rings.shim.lendReceive(this.#engine, this.handle, lane, block, length);
    if (status !== Status.ok) throw new ResourceError(`A block cannot be received: ${this.rings.shim.lastReason()}.`);
  }

  /** The frame that ended at `position` of the receive slab was read. */
  release(lane: Lane, position: number): void {
    if (!this.#isClosed) this.#words[RELEASED + lane] = position;
  }

  /** A total modulo 2^32: it travels with whatever is sent next. */
  setGranted(lane: Lane, total: number): void {
    if (!this.#isClosed) this.#words[GRANTED + lane] = total;
  }

  /** The peer's, likewise. */
  peerGranted(lane: Lane): number {
    return this.#words[PEER_GRANTED + lane] ?? 0;
  }

  framesSent(lane: Lane): number {
    return this.#words[FRAMES_SENT + lane] ?? 0;
  }

  framesReceived(lane: Lane): number {
    return this.#words[FRAMES_RECEIVED + lane] ?? 0;
  }

  /** Ends it at once. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.rings.forget(this.handle);
    this.rings.shim.linkClose(this.#engine, this.handle);
  }
}
