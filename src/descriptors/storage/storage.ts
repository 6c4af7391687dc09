import { ConsumedError, ProtocolError } from '../../errors.js';
import { errorOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import {
  type ArenaPlace,
  type Block,
  blockOf,
  type BlockLocation,
  type HandleUse,
  type MemoryPool,
} from '../pool/index.js';

const APPENDED = Promise.resolve();

/** What a codable writes a value to. */
export interface EncodableStorage {
  /** Appends a part. Bytes that lie in a block of a pool are referenced; others are copied once, and the copy is counted. */
  write(bytes: Uint8Array): Promise<void>;
  /** Appends a part of this size. Returns its memory, to be filled. */
  reserve(sizeBytes: number): Promise<Uint8Array>;
  /** A codable says that it has copied so many bytes into what it had reserved. */
  countCopy(sizeBytes: number): void;
}

/** What a codable reads a value from. */
export interface DecodableStorage {
  /** Bytes of all parts. */
  readonly sizeBytes: number;
  /** Number of parts: as many as were appended. */
  readonly parts: number;
  /** One part in place: until the storage is disposed. Throws ProtocolError where there is no such part. */
  part(index: number): Uint8Array;
  /** All parts as one piece: in place if there is one part, else as a copy, which is counted. */
  bytes(): Uint8Array;
  /** A codable says that it has copied so many bytes to make its value. */
  countCopy(sizeBytes: number): void;
}

/** Both: written first, then read. */
export type CodableStorage = EncodableStorage & DecodableStorage;

/** A part of its own memory, one in a block of this process, or one in a block of a peer, which is mapped here. */
export type Part =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  | {
      readonly kind: 'block';
      readonly bytes: Uint8Array;
      readonly location: BlockLocation;
      readonly arena: ArenaPlace;
      readonly block: Block;
    }
  | { readonly kind: 'mapped'; readonly bytes: Uint8Array; readonly block: Disposable };

/** Where storage gets blocks from, and counts copies. */
export type StoragePool = Pick<MemoryPool, 'allocate' | 'countCopy'>;

/**
 * The bytes of one encoded value: small parts inline, large ones in blocks of a pool, which it holds until it is disposed.
 *
 *     using storage = new Storage(pool);
 *     await storage.write(block.bytes);   // references the block
 */
export class Storage implements CodableStorage, Disposable {
  readonly #pool: StoragePool;
  #parts: Part[] | undefined;
  readonly #owner: Disposable | undefined;
  #inlineBytes = 0;

  /** Takes over the parts. `owner` is disposed after them. */
  constructor(pool: StoragePool, parts: readonly Part[] = [], owner?: Disposable) {
    this.#pool = pool;
    this.#parts = [...parts];
    this.#owner = owner;
  }

  get isDisposed(): boolean {
    return this.#parts === undefined;
  }

  get sizeBytes(): number {
    return this.list.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  get parts(): number {
    return this.list.length;
  }

  /** All parts, in order. Throws ConsumedError after `dispose` and `move`. */
  get list(): readonly Part[] {
    return this.#required();
  }

  write(bytes: Uint8Array): Promise<void> {
    try {
      const block = blockOf(bytes);
      if (block === undefined) return this.#copied(bytes);
      this.append(blockPart(block, bytes));
      return APPENDED;
    } catch (error) {
      return Promise.reject(errorOf(error));
    }
  }

  async reserve(sizeBytes: number): Promise<Uint8Array> {
    const parts = this.#required();
    if (this.#inlineBytes + sizeBytes <= limits.inlineBytes) {
      const bytes = new Uint8Array(sizeBytes);
      this.#inlineBytes += sizeBytes;
      this.append({ kind: 'inline', bytes });
      return bytes;
    }
    if (parts.length >= limits.storageParts) throw tooManyParts();
    const block = await this.#pool.allocate(sizeBytes);
    const { bytes } = block;
    this.append(blockPart(block, bytes));
    return bytes;
  }

  part(index: number): Uint8Array {
    const part = this.list[index];
    if (part !== undefined) return part.bytes;
    throw new ProtocolError(`An encoded value has ${this.parts} parts, and no part ${index}.`);
  }

  bytes(): Uint8Array {
    const [first, ...others] = this.list;
    if (first === undefined) return new Uint8Array(0);
    if (others.length === 0) return first.bytes;
    this.countCopy(this.sizeBytes);
    return new Uint8Array(Buffer.concat(this.list.map(({ bytes }) => bytes)));
  }

  countCopy(sizeBytes: number): void {
    this.#pool.countCopy(sizeBytes);
  }

  /** The same parts once more: blocks have one more handle each. For storage without parts in memory of peers. Throws ConsumedError as `list`. */
  share(use?: HandleUse): Storage {
    return new Storage(
      this.#pool,
      this.list.map((part): Part => (part.kind === 'block' ? { ...part, block: part.block.share(use) } : part)),
    );
  }

  /** Hands all parts over to new storage; this one is empty from now on. Throws ConsumedError after `dispose` and `move`. */
  move(): Storage {
    const moved = new Storage(this.#pool, this.list, this.#owner);
    moved.#inlineBytes = this.#inlineBytes;
    this.#parts = undefined;
    return moved;
  }

  /** Gives its blocks back. Does nothing the second time. */
  dispose(): void {
    const parts = this.#parts;
    if (parts === undefined) return;
    this.#parts = undefined;
    for (const part of parts) disposePart(part);
    this.#owner?.[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Takes a part over. One that comes too late goes back where it came from. */
  append(part: Part): void {
    try {
      const parts = this.#required();
      if (parts.length >= limits.storageParts) throw tooManyParts();
      parts.push(part);
    } catch (error) {
      disposePart(part);
      throw error;
    }
  }

  async #copied(bytes: Uint8Array): Promise<void> {
    (await this.reserve(bytes.length)).set(bytes);
    this.#pool.countCopy(bytes.length);
  }

  #required(): Part[] {
    if (this.#parts !== undefined) return this.#parts;
    throw new ConsumedError('The storage of an encoded value was used after it was disposed or moved.');
  }
}

function disposePart(part: Part): void {
  if (part.kind !== 'inline') part.block[Symbol.dispose]();
}

/** A part that takes the handle of its block over. `bytes` lie in the block, so their buffer is the arena. */
export function blockPart(block: Block, bytes: Uint8Array): Part {
  const { arena } = block;
  const location = { arena: arena.id, offset: bytes.byteOffset, sizeBytes: bytes.length };
  return { kind: 'block', bytes, location, arena, block };
}

function tooManyParts(): ProtocolError {
  return new ProtocolError(
    `An encoded value has more than ${limits.storageParts} parts. Join small buffers before it is encoded.`,
  );
}
