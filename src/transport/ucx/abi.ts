/**
 * The memory layout of native-shims/ucx/millrace_ucx.h. When the library is loaded, its own numbers are compared with these: a library
 * that was built from another header is refused before any other function is called.
 */

import { FRAME_COST_BYTES } from '../incoming-lane.js';

export const ABI_VERSION = 2;
export const WIRE_VERSION = 3;

export const MAX_LINKS = 64;
export const SUBMISSIONS = 4_096;
export const COMPLETIONS = 8_192;
/** Frames up to this size travel through slabs. Larger ones travel in blocks of their own. */
export const SLAB_FRAME_BYTES = 68 * 1024;
/** Space before each frame in a transmit slab. */
export const HEADER_BYTES = 32;
export const SLAB_BYTES = 1_280 * 1024;
export const ADDRESS_BYTES = 8_192;

export const Fabric = { sharedMemory: 1, tcp: 2 } as const;
export type Fabric = (typeof Fabric)[keyof typeof Fabric];

export const Status = {
  ok: 0,
  noLibrary: -1,
  noMemory: -2,
  badArgument: -3,
  full: -4,
  ucx: -5,
  wrongTransport: -6,
  protocol: -7,
  lost: -8,
} as const;

export const Submit = { send: 1, sendBlock: 2, grant: 3 } as const;

export const Complete = {
  received: 1,
  sent: 2,
  connected: 3,
  closed: 4,
  announced: 5,
  receivedBlock: 6,
  granted: 7,
} as const;

/** Sizes and offsets in bytes. */
export const submission = { size: 32, kind: 0, link: 4, lane: 8, offset: 12, length: 16 } as const;
export const completion = {
  size: 32,
  kind: 0,
  link: 4,
  lane: 8,
  offset: 12,
  length: 16,
  position: 20,
  status: 24,
} as const;
export const linkWords = {
  size: 64,
  granted: 0,
  released: 8,
  peerGranted: 16,
  framesSent: 24,
  framesReceived: 32,
  segmentsSent: 40,
  segmentsReceived: 44,
} as const;
export const control = {
  size: 64,
  submissionTail: 0,
  submissionHead: 4,
  completionHead: 8,
  completionTail: 12,
  turns: 16,
  inTurn: 20,
} as const;

const linksOffset = control.size;
const submissionsOffset = linksOffset + MAX_LINKS * linkWords.size;
const completionsOffset = submissionsOffset + SUBMISSIONS * submission.size;

export const rings = {
  size: completionsOffset + COMPLETIONS * completion.size,
  links: linksOffset,
  submissions: submissionsOffset,
  completions: completionsOffset,
} as const;
export const slabs = { size: 4 * SLAB_BYTES, receive: 2 * SLAB_BYTES } as const;

/** In the order of native-shims/ucx/abi.c. */
const expected: readonly (readonly [string, number])[] = [
  ['MRX_ABI_VERSION', ABI_VERSION],
  ['MRX_WIRE_VERSION', WIRE_VERSION],
  ['MRX_LANES', 2],
  ['MRX_LINKS', MAX_LINKS],
  ['MRX_SUBMISSIONS', SUBMISSIONS],
  ['MRX_COMPLETIONS', COMPLETIONS],
  ['MRX_FRAME_BYTES', SLAB_FRAME_BYTES],
  ['MRX_HEADER_BYTES', HEADER_BYTES],
  ['MRX_SLAB_BYTES', SLAB_BYTES],
  ['MRX_FRAME_COST', FRAME_COST_BYTES],
  ...fields('mrx_submission', submission),
  ...fields('mrx_completion', completion),
  ...fields('mrx_link_words', linkWords),
  ...fields('mrx_control', control),
  ...fields('mrx_rings', rings),
  ...fields('mrx_slabs', slabs),
];

/** Terminates the numbers of the library. */
const END = 0xffffffff;

/** Numbers to read from the library: the expected ones and the terminator. */
export const ABI_NUMBERS = expected.length + 1;

/** Describes the first difference; undefined if all numbers agree. `found`: the numbers of the library. */
export function abiDifference(found: ArrayLike<number>): string | undefined {
  for (const [index, [name, value]] of expected.entries()) {
    if (found[index] !== value) return `${name} is ${found[index]} in the library and ${value} here`;
  }
  return found[expected.length] === END ? undefined : 'it has more fields than this version knows';
}

function fields(type: string, layout: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(layout).map(([field, value]) => [`${type}.${field}`, value]);
}
