import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import type * as Koffi from 'koffi';
import { ResourceError } from '../../errors.js';
import { messageOf } from '../../foreign.js';
import { requireNative } from '../../installation.js';
import { ABI_NUMBERS, abiDifference, type Fabric, Status } from './abi.js';
import type { ShimFiles } from './kind.js';
import { findShim, shimPlaces, shimScript } from './shim-file.js';

/** A pointer to an engine of the shim, as koffi represents it. */
export type EnginePointer = bigint;
type Pointer = bigint | null;

/** The functions of native-shims/ucx/millrace_ucx.h, without their prefix `mrx_`. */
export interface Shim {
  readonly koffi: typeof Koffi;
  lastReason(): string;
  ucxVersion(): number;
  open(owner: number): EnginePointer | null;
  close(engine: EnginePointer): void;
  reap(owner: number): number;
  quiet(owner: number): number;
  engines(): number;
  peerOf(descriptor: number, found: Uint32Array): number;
  ringsOf(engine: EnginePointer): Pointer;
  eventFd(engine: EnginePointer): number;
  linkOpen(engine: EnginePointer, fabric: Fabric, devices: string | null, token: bigint): number;
  linkSlabs(engine: EnginePointer, link: number): Pointer;
  linkAddress(engine: EnginePointer, link: number, address: Uint8Array, capacity: number): number;
  linkConnect(engine: EnginePointer, link: number, address: Uint8Array, length: number, token: bigint): number;
  linkTransports(engine: EnginePointer, link: number, names: Uint8Array, capacity: number): number;
  linkReason(engine: EnginePointer, link: number): string;
  linkClose(engine: EnginePointer, link: number): number;
  lendTransmit(engine: EnginePointer, link: number, lane: number, block: Uint8Array, length: number): number;
  lendReceive(engine: EnginePointer, link: number, lane: number, block: Uint8Array, length: number): number;
  turn(engine: EnginePointer, spinUs: number): number;
  arm(engine: EnginePointer): number;
}

/** Identifies one boot of this host; missing where /proc is not mounted. */
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** Throws ResourceError if the file of the shim, or /proc, is missing. Loads nothing. */
export function assertShim(files: ShimFiles = {}): void {
  pathOfShim(files);
  if (!existsSync(BOOT_ID)) {
    throw new ResourceError(`UCX needs ${BOOT_ID}, not found: mount /proc, or set the option ucx to off.`);
  }
}

/** Loads koffi, the shim and UCX. Throws ResourceError with the missing or wrong file, and the command that installs it. */
export function loadShim(files: ShimFiles = {}): Shim {
  const koffi = loadKoffi();
  assertShim(files);
  const functions = bind(koffi, pathOfShim(files));
  const { ucx = 'libucp.so.0' } = files;
  if (functions.load(ucx) === Status.ok) return functions;
  throw missing(`${ucx}: ${functions.lastReason()}`, 'apt-get install -y libucx0');
}

function pathOfShim({ shim }: ShimFiles): string {
  const places = shim === undefined ? shimPlaces() : [shim];
  const found = findShim(places);
  if (found === undefined) throw lacksShim(`${places.join(' or ')}, not found`);
  return found;
}

/** Identifies the host for shared memory: two processes with equal identities can share segments. */
export function hostIdentity(): string {
  const boot = readFileSync(BOOT_ID, 'utf8').trim();
  return `${boot} ${namespaceOf('ipc')} ${namespaceOf('pid')}`;
}

export const owningThread = threadId;

function namespaceOf(kind: string): string {
  return readlinkSync(`/proc/self/ns/${kind}`);
}

function loadKoffi(): typeof Koffi {
  try {
    return requireNative('koffi') as typeof Koffi;
  } catch (cause) {
    throw new ResourceError(
      'UCX needs the npm package koffi, which cannot be loaded. Run: npm install koffi. A bundle cannot contain it: install it beside the bundle.',
      {
        cause,
      },
    );
  }
}

function bind(koffi: typeof Koffi, path: string): Shim & { load(library: string): number } {
  const library = openLibrary(koffi, path);
  checkAbi(koffi, library, path);
  const engine = 'void *engine';
  const link = `${engine}, uint32_t link`;
  const lane = `${link}, uint32_t lane`;
  return {
    koffi,
    load: library.func('int32_t mrx_load(const char *library)'),
    lastReason: library.func('const char *mrx_last_reason()'),
    ucxVersion: library.func('uint32_t mrx_ucx_version()'),
    open: library.func('void *mrx_open(uint32_t owner)'),
    close: library.func(`void mrx_close(${engine})`),
    reap: library.func('int32_t mrx_reap(uint32_t owner)'),
    quiet: library.func('int32_t mrx_quiet(uint32_t owner)'),
    engines: library.func('int32_t mrx_engines()'),
    peerOf: library.func('int32_t mrx_peer(int32_t descriptor, void *found)'),
    ringsOf: library.func(`void *mrx_rings_of(${engine})`),
    eventFd: library.func(`int32_t mrx_event_fd(${engine})`),
    linkOpen: library.func(`int64_t mrx_link_open(${engine}, uint32_t fabric, const char *devices, uint64_t token)`),
    linkSlabs: library.func(`void *mrx_link_slabs(${link})`),
    linkAddress: library.func(`int32_t mrx_link_address(${link}, void *address, uint32_t capacity)`),
    linkConnect: library.func(`int32_t mrx_link_connect(${link}, void *address, uint32_t length, uint64_t token)`),
    linkTransports: library.func(`int32_t mrx_link_transports(${link}, void *names, uint32_t capacity)`),
    linkReason: library.func(`const char *mrx_link_reason(${link})`),
    linkClose: library.func(`int32_t mrx_link_close(${link})`),
    lendTransmit: library.func(`int32_t mrx_lend_transmit(${lane}, void *block, uint32_t length)`),
    lendReceive: library.func(`int32_t mrx_lend_receive(${lane}, void *block, uint32_t length)`),
    turn: library.func(`int32_t mrx_turn(${engine}, uint32_t spin_us)`),
    arm: library.func(`int32_t mrx_arm(${engine})`),
  };
}

function openLibrary(koffi: typeof Koffi, path: string): Koffi.LibraryHandle {
  try {
    return koffi.load(path);
  } catch (cause) {
    throw lacksShim(`${path}, but that file cannot be loaded: ${messageOf(cause)}`, cause);
  }
}

function checkAbi(koffi: typeof Koffi, library: Koffi.LibraryHandle, path: string): void {
  let difference: string | undefined = 'it has no mrx_abi';
  try {
    const numbers: unknown = library.func('const uint32_t *mrx_abi()')();
    difference = abiDifference(new Uint32Array(koffi.view(numbers, ABI_NUMBERS * 4)));
  } catch (cause) {
    throw lacksShim(`${path}, but the file there is not the shim: ${messageOf(cause)}`, cause);
  }
  if (difference !== undefined)
    throw lacksShim(`${path} of this version: it was built from another header (${difference})`);
}

/** A shim that is built on this machine fits it. */
function lacksShim(what: string, cause?: unknown): ResourceError {
  return missing(what, `apt-get install -y libucx0 libucx-dev gcc && node ${shimScript()}`, cause);
}

function missing(what: string, command: string, cause?: unknown): ResourceError {
  const options = cause === undefined ? undefined : { cause };
  return new ResourceError(
    `The ucx transport needs ${what}. Debian: ${command}. The net transport works without it.`,
    options,
  );
}
