/**
 * The functions of libhwloc and of the C library that resources call; the only file of this folder that uses foreign functions. The
 * libraries are loaded at the first call, so never in a runtime without topology and pinning.
 */
import { arch, platform } from 'node:os';
import type * as Koffi from 'koffi';
import { ConfigError, ResourceError } from '../errors.js';
import { requireNative } from '../installation.js';
import { type CpuSet, cpuSet, formatCpuList, MAX_CPU } from './topology/index.js';

const LIBRARY = 'libhwloc.so.15';
const INSTALL = 'Debian: apt-get install -y libhwloc15';
/** hwloc's version of its API: 2.x, in steps of 0x10000. */
const API_MAJOR = 2;
// Numbers of hwloc.h, 2.x.
const INCLUDE_DISALLOWED = 1;
const KEEP_IMPORTANT = 3;
const BIND = 2;
const FOR_THREAD = 2;
const STRICT = 4;
const BY_NODESET = 32;
/** Size of a buffer for a list of NUMA nodes; Linux has 1024 at most. */
const LIST_BYTES = 8_192;
const SIGQUIT = 3;
const PR_SET_PDEATHSIG = 1;
/** errno of Linux. */
const EINVAL = 22;

type Pointer = bigint;

interface Hwloc {
  init(topology: [Pointer | null]): number;
  destroy(topology: Pointer): void;
  setFlags(topology: Pointer, flags: number): number;
  filterInputOutput(topology: Pointer, filter: number): number;
  setSynthetic(topology: Pointer, description: string): number;
  load(topology: Pointer): number;
  exportXml(topology: Pointer, xml: [Pointer | null], length: [number], flags: number): number;
  freeXml(topology: Pointer, xml: Pointer): void;
  allocateBitmap(): Pointer;
  freeBitmap(bitmap: Pointer): void;
  parseBitmap(bitmap: Pointer, list: string): number;
  formatBitmap(text: Uint8Array, length: number, bitmap: Pointer): number;
  setMemory(topology: Pointer, bitmap: Pointer, policy: number, flags: number): number;
  getMemory(topology: Pointer, bitmap: Pointer, policy: [number], flags: number): number;
}

/** hwloc's XML of this machine, including disallowed processors, or of a synthetic topology. Throws ResourceError without libhwloc. */
export function exportTopology(synthetic?: string): string {
  const koffi = loadKoffi();
  const hwloc = loadHwloc(koffi);
  return withTopology(koffi, hwloc, synthetic, (topology) => {
    const xml: [Pointer | null] = [null];
    const length: [number] = [0];
    check(koffi, 'export of the topology', hwloc.exportXml(topology, xml, length, 0));
    const [pointer] = xml;
    if (pointer === null) throw new ResourceError('hwloc exported no topology.');
    try {
      // The length includes the terminating zero.
      return String(koffi.decode(pointer, 'char', length[0] - 1));
    } finally {
      hwloc.freeXml(topology, pointer);
    }
  });
}

/**
 * Binds future memory allocations of the calling thread to these NUMA nodes. Returns the nodes that the kernel then reports. Throws
 * ResourceError where that fails.
 */
export function bindThreadMemory(nodes: CpuSet): string {
  const koffi = loadKoffi();
  const hwloc = loadHwloc(koffi);
  return withTopology(koffi, hwloc, undefined, (topology) => {
    const bitmap = hwloc.allocateBitmap();
    try {
      hwloc.parseBitmap(bitmap, formatCpuList(nodes));
      const bound = hwloc.setMemory(topology, bitmap, BIND, FOR_THREAD | STRICT | BY_NODESET);
      check(koffi, `binding of memory to the NUMA nodes ${formatCpuList(nodes)}`, bound);
      check(koffi, 'reading of the memory policy', hwloc.getMemory(topology, bitmap, [0], FOR_THREAD | BY_NODESET));
      const text = new Uint8Array(LIST_BYTES);
      const length = hwloc.formatBitmap(text, text.length, bitmap);
      return new TextDecoder().decode(text.subarray(0, length));
    } finally {
      hwloc.freeBitmap(bitmap);
    }
  });
}

/** Pins the calling thread to these processors; the kernel ignores those that it does not allow. Throws ResourceError if it allows none. */
export function setThreadAffinity(cpus: CpuSet): void {
  if (platform() !== 'linux') throw new ResourceError(`Threads are pinned on Linux only; this is ${platform()}.`);
  const koffi = loadKoffi();
  const mask = new Uint8Array(Math.max(128, 8 * Math.ceil(((cpus.at(-1) ?? 0) + 1) / 64)));
  for (const cpu of cpus) mask[cpu >> 3] = (mask[cpu >> 3] ?? 0) | (1 << (cpu & 7));
  // A pid of 0 is the calling thread. The mask consists of longs; every platform of Node is little-endian.
  const set: (pid: number, size: number, mask: Uint8Array) => number = koffi
    .load(null)
    .func('int sched_setaffinity(int pid, size_t size, const uint8_t *mask)');
  check(koffi, `pinning of a thread to the processors ${formatCpuList(cpus)}`, set(0, mask.length, mask));
}

/** The processors that the calling thread may run on, as the kernel says: also where /proc is not mounted. */
export function getThreadAffinity(): CpuSet {
  const koffi = loadKoffi();
  // The kernel refuses a mask with less room than it has processors.
  const mask = new Uint8Array((MAX_CPU + 1) / 8);
  const get: (pid: number, size: number, mask: Uint8Array) => number = koffi
    .load(null)
    .func('int sched_getaffinity(int pid, size_t size, _Out_ uint8_t *mask)');
  check(koffi, 'reading of the processors of a thread', get(0, mask.length, mask));
  return cpuSet(cpusOf(mask));
}

/** The numbers of the bits that are set. Nearly all bytes of a mask of the kernel are 0: each partition reads one when it starts. */
function cpusOf(mask: Uint8Array): number[] {
  const cpus: number[] = [];
  for (const [index, byte] of mask.entries()) {
    for (let bit = 0; byte >> bit !== 0; bit += 1) if (((byte >> bit) & 1) === 1) cpus.push(8 * index + bit);
  }
  return cpus;
}

/**
 * When the thread that has started this process ends, which it does with its process at the latest, this process has three seconds to end by itself. Then the
 * kernel ends it, even where its JavaScript is in a loop. ResourceError where koffi cannot be loaded.
 */
export function endWithParent(): void {
  if (platform() !== 'linux')
    throw new ResourceError(`Only Linux tells of the end of a parent; this is ${platform()}.`);
  const libc = loadKoffi().load(null);
  const find: (library: null, name: string) => unknown = libc.func('void *dlsym(void *library, const char *name)');
  const handle: (signal: number, handler: unknown) => unknown = libc.func('void *signal(int signal, void *handler)');
  const prctl: (option: number, type: 'ulong', value: number) => number = libc.func('int prctl(int option, ...)');
  // JavaScript that loops handles no signal, so the handler is a function of the C library, which takes the number of the signal for its argument:
  // alarm(SIGQUIT) has the kernel send SIGALRM after three seconds. Nothing handles that, so it ends the process.
  handle(SIGQUIT, find(null, 'alarm'));
  if (prctl(PR_SET_PDEATHSIG, 'ulong', SIGQUIT) !== 0)
    throw new ResourceError('The kernel refused to tell of the end of the parent.');
}

function withTopology<T>(
  koffi: typeof Koffi,
  hwloc: Hwloc,
  synthetic: string | undefined,
  use: (topology: Pointer) => T,
): T {
  const created: [Pointer | null] = [null];
  check(koffi, 'creation of a topology', hwloc.init(created));
  const [topology] = created;
  if (topology === null) throw new ResourceError('hwloc created no topology.');
  try {
    check(koffi, 'setting of flags', hwloc.setFlags(topology, INCLUDE_DISALLOWED));
    check(koffi, 'choice of devices', hwloc.filterInputOutput(topology, KEEP_IMPORTANT));
    if (synthetic !== undefined && hwloc.setSynthetic(topology, synthetic) !== 0) throw noSuchMachine(synthetic);
    const loaded = hwloc.load(topology);
    if (synthetic !== undefined && loaded !== 0) throw noSuchMachine(synthetic);
    check(koffi, 'discovery of the machine', loaded);
    return use(topology);
  } finally {
    hwloc.destroy(topology);
  }
}

function noSuchMachine(synthetic: string): ConfigError {
  return new ConfigError(
    `"${synthetic}" is not a synthetic hwloc topology. It lists object types, each with its number per parent: ` +
      'pack:2 numa:2 l3:1 core:4 pu:2.',
  );
}

function check(koffi: typeof Koffi, what: string, result: number): void {
  if (result === 0) return;
  const number = koffi.errno();
  const name = Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
  const hint = number === EINVAL ? ': none of it exists, or the cgroup of this process does not allow it' : '';
  throw new ResourceError(`The ${what} failed with ${name}${hint}.`);
}

function loadHwloc(koffi: typeof Koffi): Hwloc {
  let library: Koffi.LibraryHandle;
  try {
    library = koffi.load(LIBRARY);
  } catch (cause) {
    throw new ResourceError(`The topology of the machine needs ${LIBRARY}, not found. ${INSTALL}.`, { cause });
  }
  const version = Number(library.func('unsigned int hwloc_get_api_version()')());
  if (version >>> 16 !== API_MAJOR) {
    throw new ResourceError(`${LIBRARY} has API version 0x${version.toString(16)}; 0x2.... is needed. ${INSTALL}.`);
  }
  const topology = 'void *topology';
  return {
    init: library.func('int hwloc_topology_init(_Out_ void **topology)'),
    destroy: library.func(`void hwloc_topology_destroy(${topology})`),
    setFlags: library.func(`int hwloc_topology_set_flags(${topology}, unsigned long flags)`),
    filterInputOutput: library.func(`int hwloc_topology_set_io_types_filter(${topology}, int filter)`),
    setSynthetic: library.func(`int hwloc_topology_set_synthetic(${topology}, const char *description)`),
    load: library.func(`int hwloc_topology_load(${topology})`),
    exportXml: library.func(
      `int hwloc_topology_export_xmlbuffer(${topology}, _Out_ void **xml, _Out_ int *length, unsigned long flags)`,
    ),
    freeXml: library.func(`void hwloc_free_xmlbuffer(${topology}, void *xml)`),
    allocateBitmap: library.func('void *hwloc_bitmap_alloc()'),
    freeBitmap: library.func('void hwloc_bitmap_free(void *bitmap)'),
    parseBitmap: library.func('int hwloc_bitmap_list_sscanf(void *bitmap, const char *list)'),
    formatBitmap: library.func('int hwloc_bitmap_list_snprintf(_Out_ uint8_t *text, size_t length, void *bitmap)'),
    setMemory: library.func(`int hwloc_set_membind(${topology}, void *bitmap, int policy, int flags)`),
    getMemory: library.func(`int hwloc_get_membind(${topology}, void *bitmap, _Out_ int *policy, int flags)`),
  };
}

function loadKoffi(): typeof Koffi {
  let cause: unknown;
  try {
    const loaded = requireNative('koffi');
    if (isKoffi(loaded)) return loaded;
  } catch (error) {
    cause = error;
  }
  throw new ResourceError(
    `The npm package koffi cannot be loaded on ${platform()}-${arch()}: topology and pinning need it. Run: npm install koffi. A bundle cannot contain it: install it beside the bundle.`,
    { cause },
  );
}

function isKoffi(loaded: unknown): loaded is typeof Koffi {
  return typeof loaded === 'object' && loaded !== null && 'load' in loaded && typeof loaded.load === 'function';
}
