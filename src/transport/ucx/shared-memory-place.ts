import { readlinkSync, statSync } from 'node:fs';
import { ProtocolError } from '../../errors.js';
import { messageOf } from '../../foreign.js';
import type { WorkerPlace } from './address-template.js';
import type { PeerProcess } from './peer-process.js';
import type { WorkerDevice } from './worker-address.js';

const NUMBER_BYTES = 8;
/** A process id, and a descriptor, have so many bits. */
const PART_BITS = 30;
/** The flag of a segment that is a descriptor of a process: `/proc/PID/fd/FD`. */
const IS_DESCRIPTOR = 8n;
const FILE = /^\/.+\/ucx_shm_posix_[0-9a-f]+(?: \(deleted\))?$/;

/** A segment as an address names it. */
interface Segment {
  readonly flags: bigint;
  readonly pid: number;
  readonly descriptor: number;
  /** What follows its number: the PID namespace, unless that is the first one of the host. */
  readonly rest: Uint8Array;
}

/** The file of a segment. Both are equal for the segments of all workers of one user. The folder is not: /dev/shm may be another one. */
interface SegmentFile {
  readonly sizeBytes: number;
  readonly userId: number;
}

/**
 * The place of a worker in shared memory.
 *
 *     device:    | identity of the host |
 *     interface: | process (30 bits), descriptor (30 bits), flags (4 bits) | PID namespace? |
 *
 * The segment has to belong to the process at the other end of the socket, and to be as large as UCX will map it: UCX would map any file
 * of this user and write into it, and a file that is too short ends the process with SIGBUS.
 */
export class SharedMemoryPlace implements WorkerPlace {
  readonly #host: Uint8Array;
  readonly #segment: Segment;
  readonly #file: SegmentFile;

  /** `own`: the place of an open worker of this process. Throws ProtocolError if its segment is not found. */
  constructor(own: WorkerDevice) {
    this.#host = own.device;
    this.#segment = segmentOf(own);
    this.#file = fileOf(this.#segment);
  }

  check(theirs: WorkerDevice, peer: PeerProcess | undefined): void {
    if (peer === undefined) {
      throw new ProtocolError(
        'Shared memory needs a Unix socket between the two processes: the kernel names the peer.',
      );
    }
    const segment = segmentOf(theirs);
    const isSameKind = segment.flags === this.#segment.flags && isEqual(segment.rest, this.#segment.rest);
    if (!isEqual(theirs.device, this.#host) || !isSameKind) {
      throw new ProtocolError('The peer sent a UCX address of another host, or in another namespace.');
    }
    if (segment.pid !== peer.pid) {
      throw new ProtocolError(`The peer is process ${peer.pid}, and sent the memory of process ${segment.pid}.`);
    }
    if (peer.userId !== this.#file.userId) {
      throw new ProtocolError('The two processes belong to different users, who must not share memory.');
    }
    const file = fileOf(segment);
    const { sizeBytes, userId } = this.#file;
    if (file.sizeBytes !== sizeBytes || file.userId !== userId) {
      throw new ProtocolError(
        `The peer sent a segment of ${file.sizeBytes} bytes of user ${file.userId}; ${sizeBytes} bytes of user ${userId} were expected.`,
      );
    }
  }
}

function segmentOf({ face }: WorkerDevice): Segment {
  if (face.length < NUMBER_BYTES) throw new ProtocolError('A UCX address names no segment of shared memory.');
  const number = new DataView(face.buffer, face.byteOffset).getBigUint64(0, true);
  const part = (index: number): bigint => BigInt.asUintN(PART_BITS, number >> BigInt(index * PART_BITS));
  const flags = number >> BigInt(2 * PART_BITS);
  if ((flags & IS_DESCRIPTOR) === 0n) {
    throw new ProtocolError('A UCX address names its segment otherwise than by a process and a descriptor.');
  }
  return { flags, pid: Number(part(0)), descriptor: Number(part(1)), rest: face.slice(NUMBER_BYTES) };
}

/** Looks at the file without opening it. */
function fileOf({ pid, descriptor }: Segment): SegmentFile {
  const path = `/proc/${pid}/fd/${descriptor}`;
  try {
    const target = readlinkSync(path);
    if (!FILE.test(target)) throw new ProtocolError(`A UCX address names ${path}, which is not shared memory of UCX.`);
    const { size, uid } = statSync(path);
    return { sizeBytes: size, userId: uid };
  } catch (cause) {
    if (cause instanceof ProtocolError) throw cause;
    throw new ProtocolError(`A UCX address names ${path}, which cannot be reached: ${messageOf(cause)}.`, { cause });
  }
}

function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}
