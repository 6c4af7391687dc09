/**
 * The functions of the C library that make, seal and map memory which processes share; the only file of this room that calls foreign functions.
 * They are loaded at the first call. A range of addresses that JavaScript has a view of is never unmapped, because such a view cannot be
 * revoked: other memory takes its place.
 */
import { arch, platform } from 'node:os';
import type * as Koffi from 'koffi';
import { ResourceError } from '../../errors.js';
import { messageOf } from '../../foreign.js';
import { requireNative } from '../../installation.js';

/** Where memory is mapped in this process. */
export type Address = bigint;

export const PAGE_BYTES = 4_096;

// Numbers of Linux, equal on all architectures below.
const ARCHITECTURES: readonly string[] = ['x64', 'arm64', 'riscv64', 'loong64'];
const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;
const F_SEAL_SHRINK = 2;
const F_SEAL_GROW = 4;
const F_SEAL_FUTURE_WRITE = 16;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
const MAP_POPULATE = 0x8000;
const MADV_DONTNEED = 4;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

/**
 * What a reader demands of memory before it maps it. The size is fixed, and nobody but the owner, who mapped it before, can write to it. The last
 * seal also forbids to punch holes: a reader that touches a hole on a full machine would be killed.
 */
const SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE;

export interface SystemMemory {
  /** Makes an empty file without a name, which is closed at exec. Returns its descriptor. */
  createFile(name: string): number;
  /** Closes a file of `createFile`. In a worker thread Node warns when it closes a file that it has not opened. */
  closeFile(fd: number): void;
  /** Gives the file all its memory, off the event loop. Throws ResourceError if the kernel refuses. */
  reserve(fd: number, sizeBytes: number): Promise<void>;
  /** Fixes the size of the file, and forbids all writing that is not through mappings made before. */
  seal(fd: number): void;
  /** Whether the file has all seals that a reader demands. False for a file that cannot be sealed. */
  isSealed(fd: number): boolean;
  /** Maps the file writable and shared, with its pages present, off the event loop. `at`: a range of this size that is free. */
  mapShared(fd: number, sizeBytes: number, at: Address | undefined): Promise<Address>;
  /** Maps the file to read. What the reader writes by mistake stays in pages of its own, and changes nothing for others. */
  mapForReading(fd: number, sizeBytes: number, at: Address | undefined): Address;
  /** Puts empty memory in the place of a mapping: views of it read zeros from now on. The range is free. */
  retire(address: Address, sizeBytes: number): void;
  /** Drops the reader's own pages of a mapping: they read as the file again. */
  refresh(address: Address, sizeBytes: number): void;
  /** All memory of a range, as one buffer. */
  view(address: Address, sizeBytes: number): ArrayBuffer;
}

let loaded: SystemMemory | undefined;

/** Loads the functions, once for each thread. Throws ResourceError that says why this machine has no memory to share. */
export function systemMemory(): SystemMemory {
  loaded ??= bind(loadKoffi());
  return loaded;
}

function bind(koffi: typeof Koffi): SystemMemory {
  const { createFile, closeFile, control, allocate, map, advise } = functionsOf(koffi);
  const mapAt = (at: Address | undefined, sizeBytes: number, flags: number, fd: number): Address =>
    mapped(map(at ?? null, sizeBytes, PROT_READ_WRITE, at === undefined ? flags : flags | MAP_FIXED, fd, 0), sizeBytes);
  const failure = (what: string): ResourceError => new ResourceError(`${what} failed with ${errnoName(koffi)}.`);
  const mapped = (address: unknown, sizeBytes: number): Address => {
    if (typeof address === 'bigint' && address !== MAP_FAILED) return address;
    throw failure(`Mapping ${sizeBytes} bytes of shared memory`);
  };
  return {
    createFile(name) {
      const fd = Number(createFile(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
      if (fd < 0) throw failure('Making a file in memory (memfd_create)');
      return fd;
    },
    closeFile(fd) {
      if (Number(closeFile(fd)) !== 0) throw failure(`Closing descriptor ${fd} of shared memory`);
    },
    async reserve(fd, sizeBytes) {
      if (Number(await inBackground(allocate, fd, 0, 0, sizeBytes)) === 0) return;
      // The cause stays with the other thread: the same call here has it, or succeeds where a signal had interrupted the first.
      if (Number(allocate(fd, 0, 0, sizeBytes)) !== 0) throw failure(`Reserving ${sizeBytes} bytes of shared memory`);
    },
    seal(fd) {
      if (Number(control(fd, F_ADD_SEALS, 'int', SEALS)) !== 0) {
        throw failure('Sealing shared memory, which needs Linux 5.1,');
      }
    },
    isSealed(fd) {
      const seals = Number(control(fd, F_GET_SEALS, 'int', 0));
      return seals >= 0 && (seals & SEALS) === SEALS;
    },
    async mapShared(fd, sizeBytes, at) {
      const flags = MAP_SHARED | MAP_POPULATE | (at === undefined ? 0 : MAP_FIXED);
      return mapped(await inBackground(map, at ?? null, sizeBytes, PROT_READ_WRITE, flags, fd, 0), sizeBytes);
    },
    mapForReading: (fd, sizeBytes, at) => mapAt(at, sizeBytes, MAP_PRIVATE | MAP_NORESERVE, fd),
    retire(address, sizeBytes) {
      mapAt(address, sizeBytes, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
    },
    refresh(address, sizeBytes) {
      if (Number(advise(address, sizeBytes, MADV_DONTNEED)) !== 0) throw failure('Refreshing mapped memory');
    },
    view: (address, sizeBytes) => koffi.view(address, sizeBytes),
  };
}

type Call = (...args: unknown[]) => unknown;

/** A function that koffi can also call on another thread. */
type AsyncCall = Call & { readonly async: Call };

interface LibraryFunctions {
  readonly createFile: Call;
  readonly closeFile: Call;
  readonly control: Call;
  readonly allocate: AsyncCall;
  readonly map: AsyncCall;
  readonly advise: Call;
}

function functionsOf(koffi: typeof Koffi): LibraryFunctions {
  try {
    const library = koffi.load(null);
    return {
      createFile: library.func('int memfd_create(const char *name, unsigned int flags)'),
      closeFile: library.func('int close(int fd)'),
      control: library.func('int fcntl(int fd, int command, ...)'),
      allocate: library.func('int fallocate(int fd, int mode, int64_t offset, int64_t length)'),
      map: library.func('void *mmap(void *address, size_t length, int prot, int flags, int fd, int64_t offset)'),
      advise: library.func('int madvise(void *address, size_t length, int advice)'),
    };
  } catch (cause) {
    throw new ResourceError(`The C library of this machine cannot share memory: ${messageOf(cause)}.`, { cause });
  }
}

/** Calls the function on a thread of the thread pool. */
function inBackground(call: AsyncCall, ...args: unknown[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    call.async(...args, (error: unknown, result: unknown) => {
      if (error === null || error === undefined) resolve(result);
      else reject(new ResourceError(`A call of the C library failed: ${messageOf(error)}.`, { cause: error }));
    });
  });
}

function errnoName(koffi: typeof Koffi): string {
  const number = koffi.errno();
  return Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
}

function loadKoffi(): typeof Koffi {
  if (platform() !== 'linux' || !ARCHITECTURES.includes(arch())) {
    throw new ResourceError(
      `Memory is shared on Linux (${ARCHITECTURES.join(', ')}) only; this is ${platform()}-${arch()}.`,
    );
  }
  let cause: unknown;
  try {
    const koffi = requireNative('koffi');
    if (isKoffi(koffi)) return koffi;
  } catch (error) {
    cause = error;
  }
  throw new ResourceError(
    'Shared memory needs the npm package koffi, which cannot be loaded. Run: npm install koffi. A bundle cannot contain it: install it beside the bundle.',
    { cause },
  );
}

function isKoffi(value: unknown): value is typeof Koffi {
  return typeof value === 'object' && value !== null && 'load' in value && typeof value.load === 'function';
}
