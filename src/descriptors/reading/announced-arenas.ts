import { ProtocolError, UnreachableError } from '../../errors.js';
import { limits } from '../../limits.js';
import { type ArenaFile, MappedArena, PAGE_BYTES } from '../memory/index.js';
import type { BlockLocation } from '../pool/index.js';

/** An arena of a peer, as the peer announced it. */
export interface AnnouncedArena {
  readonly arena: number;
  readonly sizeBytes: number;
  readonly file: ArenaFile;
}

/** Bytes of a peer's block, in place. They may be used until the read is disposed. */
export interface BlockRead extends Disposable {
  readonly bytes: Uint8Array;
}

interface Entry extends AnnouncedArena {
  mapped: MappedArena | undefined;
  /** Reads that are in use. The mapping stays for them, even when its owner has ended. */
  reads: number;
  isWithdrawn: boolean;
}

/**
 * The arenas of one peer on this host, by the ids that the peer gave them. An arena is mapped once, when the first block of it is read. What a peer
 * says of a block is checked against this table.
 */
export class AnnouncedArenas {
  readonly #peer: string;
  readonly #arenas = new Map<number, Entry>();
  readonly #open = { reads: 0, sizeBytes: 0 };
  #isClosed = false;

  /** `peer` names the owner in errors. */
  constructor(peer: string) {
    this.#peer = peer;
  }

  /** The number of arenas that can be read. */
  get size(): number {
    return this.#arenas.size;
  }

  /** Reads that are in use, and their bytes. */
  get open(): { readonly reads: number; readonly sizeBytes: number } {
    return { ...this.#open };
  }

  /** Maps nothing yet. Announcing the same arena again is harmless. Throws ProtocolError for what cannot be an arena. */
  announce(announced: AnnouncedArena): void {
    const problem = this.#problemOf(announced);
    if (problem !== undefined) throw new ProtocolError(`${this.#peer} announced arena ${announced.arena}, ${problem}.`);
    if (this.#isClosed || this.#arenas.has(announced.arena)) return;
    this.#arenas.set(announced.arena, { ...announced, mapped: undefined, reads: 0, isWithdrawn: false });
  }

  /** Those of these arenas that can be read, to be announced to another process. */
  announcements(arenas: ReadonlySet<number>): readonly AnnouncedArena[] {
    return [...this.#arenas.values()].filter(({ arena }) => arenas.has(arena));
  }

  /** The owner has given the arena back. Reads that are in use keep their bytes. */
  withdraw(arena: number): void {
    const entry = this.#arenas.get(arena);
    if (entry === undefined) return;
    this.#arenas.delete(arena);
    entry.isWithdrawn = true;
    if (entry.reads === 0) entry.mapped?.close();
  }

  /**
   * A block of the peer, without a copy.
   *
   * @throws ProtocolError, when the location is not within an arena that was announced, or the file is not that arena.
   * @throws UnreachableError, when the peer has ended before the arena was mapped.
   * @throws ResourceError, when the arena cannot be mapped.
   */
  read({ arena, offset, sizeBytes }: BlockLocation): BlockRead {
    if (this.#isClosed) throw new UnreachableError(`${this.#peer} has ended: its blocks cannot be read any more.`);
    const entry = this.#arenas.get(arena);
    if (entry === undefined) throw new ProtocolError(`${this.#peer} named arena ${arena}, which it has not announced.`);
    if (!isWithin(offset, sizeBytes, entry.sizeBytes)) {
      throw new ProtocolError(
        `${this.#peer} named ${sizeBytes} bytes at ${offset} of arena ${arena}, which has ${entry.sizeBytes} bytes.`,
      );
    }
    entry.mapped ??= new MappedArena(entry.file, entry.sizeBytes);
    return this.#opened(entry, entry.mapped, offset, sizeBytes);
  }

  /** The peer has ended. Reads that are in use keep their bytes; each mapping goes with its last. Idempotent. */
  close(): void {
    this.#isClosed = true;
    for (const arena of this.#arenas.keys()) this.withdraw(arena);
  }

  #opened(entry: Entry, mapped: MappedArena, offset: number, sizeBytes: number): BlockRead {
    const open = this.#open;
    let isOpen = true;
    mapped.opened(offset, sizeBytes);
    entry.reads += 1;
    open.reads += 1;
    open.sizeBytes += sizeBytes;
    return {
      bytes: new Uint8Array(mapped.buffer, offset, sizeBytes),
      [Symbol.dispose]() {
        if (!isOpen) return;
        isOpen = false;
        entry.reads -= 1;
        open.reads -= 1;
        open.sizeBytes -= sizeBytes;
        if (entry.isWithdrawn && entry.reads === 0) mapped.close();
        else mapped.closed(offset, sizeBytes);
      },
    };
  }

  #problemOf({ arena, sizeBytes, file }: AnnouncedArena): string | undefined {
    const known = this.#arenas.get(arena);
    if (known !== undefined)
      return isSame(known, { arena, sizeBytes, file }) ? undefined : 'which it had announced with other properties';
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0 || sizeBytes % PAGE_BYTES !== 0)
      return `with a size of ${sizeBytes} bytes`;
    if (!isNumber(arena) || !isNumber(file.pid) || !isNumber(file.fd))
      return `at descriptor ${file.fd} of process ${file.pid}`;
    return this.#arenas.size >= limits.announcedArenas
      ? `and has announced ${limits.announcedArenas} already`
      : undefined;
  }
}

function isSame(known: AnnouncedArena, { sizeBytes, file }: AnnouncedArena): boolean {
  return (
    known.sizeBytes === sizeBytes &&
    known.file.pid === file.pid &&
    known.file.fd === file.fd &&
    known.file.inode === file.inode
  );
}

function isNumber(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value < 2 ** 31;
}

function isWithin(offset: number, sizeBytes: number, all: number): boolean {
  return (
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(sizeBytes) &&
    offset >= 0 &&
    sizeBytes >= 0 &&
    offset + sizeBytes <= all
  );
}
