import { ResourceError } from '../../errors.js';
import type { Lane } from '../../protocol/index.js';
import { ADDRESS_BYTES, linkWords, SLAB_BYTES, Status, Submit, slabs } from './abi.js';
import type { EnginePointer } from './library.js';
import type { RingListener, Rings } from './rings.js';

export interface RingEndpointOptions {
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

/** One end of a link in the rings: its slot, its memory, and its UCX worker, which closes with it. */
export class RingEndpoint {
  readonly handle: number;
  readonly rings: Rings;
  /** The transmit slabs, one per lane. */
  readonly transmit: readonly [Uint8Array, Uint8Array];
  readonly receive: readonly [Uint8Array, Uint8Array];
  readonly #engine: EnginePointer;
  readonly #words: Uint32Array;
  #isClosed = false;

  constructor(options: RingEndpointOptions) {
    this.handle = options.handle;
    this.rings = options.rings;
    this.#engine = options.engine;
    this.#words = options.words;
    const at = (offset: number): Uint8Array => new Uint8Array(options.slabs, offset, SLAB_BYTES);
    this.transmit = [at(0), at(SLAB_BYTES)];
    this.receive = [at(slabs.receive), at(slabs.receive + SLAB_BYTES)];
  }

  /** The UCX address by which the peer reaches this end. */
  address(): Uint8Array {
    const address = new Uint8Array(ADDRESS_BYTES);
    const length = this.rings.shim.linkAddress(this.#engine, this.handle, address, ADDRESS_BYTES);
    if (length <= 0) throw this.rings.failure('A UCX link has no address');
    return address.slice(0, length);
  }

  /** Connects to the peer's end. `address`: from `AddressTemplate.fill`, because UCX does not check it. */
  connect(address: Uint8Array, token: bigint): void {
    const status = this.rings.shim.linkConnect(this.#engine, this.handle, address, address.length, token);
    if (status !== Status.ok) throw this.rings.failure('A UCX link cannot be joined');
  }

  /** The UCX transport of this link, such as `posix`. */
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

  /** `block` must stay alive until its `sent`, or until this endpoint closes. */
  sendBlock(lane: Lane, block: Uint8Array, length: number): void {
    const status = this.rings.shim.lendTransmit(this.#engine, this.handle, lane, block, length);
    if (status !== Status.ok) throw new ResourceError(`A block cannot be sent: ${this.rings.shim.lastReason()}.`);
    this.rings.submit(Submit.sendBlock, this.handle, lane, 0, length);
    // The shim must take this block before the next one can be lent.
    this.rings.turn(0);
  }

  /** `block` must stay alive until its `receivedBlock`, or until this endpoint closes. */
  receiveBlock(lane: Lane, block: Uint8Array, length: number): void {
    const status = this.rings.shim.lendReceive(this.#engine, this.handle, lane, block, length);
    if (status !== Status.ok) throw new ResourceError(`A block cannot be received: ${this.rings.shim.lastReason()}.`);
  }

  /** Frees the frame that ends at `position` of the receive slab. */
  release(lane: Lane, position: number): void {
    if (!this.#isClosed) this.#words[RELEASED + lane] = position;
  }

  /** Sets the total cost of the frames read, modulo 2^32. It travels with the next message to the peer. */
  setGranted(lane: Lane, total: number): void {
    if (!this.#isClosed) this.#words[GRANTED + lane] = total;
  }

  /** The total that the peer has granted, modulo 2^32. */
  peerGranted(lane: Lane): number {
    return this.#words[PEER_GRANTED + lane] ?? 0;
  }

  framesSent(lane: Lane): number {
    return this.#words[FRAMES_SENT + lane] ?? 0;
  }

  framesReceived(lane: Lane): number {
    return this.#words[FRAMES_RECEIVED + lane] ?? 0;
  }

  /** Closes this end at once. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.rings.forget(this.handle);
    this.rings.shim.linkClose(this.#engine, this.handle);
  }
}
