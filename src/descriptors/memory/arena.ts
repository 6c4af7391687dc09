/** Where an arena's memory is, for a reader in another process of this host. */
export interface ArenaFile {
  /** Where the numbers of processes and files hold: see `hostOfProcesses`. */
  readonly host: string;
  /** Process that holds the file open. */
  readonly pid: number;
  /** Descriptor of the file in that process. */
  readonly fd: number;
  /** Identifies the file: a descriptor may have been closed and used again. */
  readonly inode: bigint;
}

/** One piece of memory that a pool divides into blocks. */
export interface Arena {
  /** Unique among the arenas of its source. */
  readonly id: number;
  readonly sizeBytes: number;
  /** All its memory. Blocks are sub-arrays of it. After `close` it reads as zeros, and writing to it changes nothing. */
  readonly buffer: ArrayBuffer;
  /** Undefined for memory that no other process can map. */
  readonly file: ArenaFile | undefined;
  /** Gives the memory back. Idempotent. */
  close(): void;
}

/** Where pools get arenas from. One for each partition, because it numbers them. */
export interface ArenaSource {
  readonly memory: MemoryKind;
  /** Makes an arena that has all its memory. `sizeBytes`: a multiple of the page size. Throws ResourceError where there is too little memory. */
  create(sizeBytes: number): Promise<Arena>;
}

/** `shared`: other processes of this host can map it. `private`: they cannot, because `reason`. */
export type MemoryKind = { readonly kind: 'shared' } | { readonly kind: 'private'; readonly reason: string };
