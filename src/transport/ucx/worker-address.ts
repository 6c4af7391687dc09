import { ProtocolError } from '../../errors.js';

/**
 * The address of a UCX worker with one transport, in version 1 of UCX's format. The rings ask UCX for this version by name, and for no more
 * than one transport, so an address has no other form.
 *
 *     | 0x20 | worker id (8) |  then for each network interface, or once for shared memory:
 *     | memory domain | flags, length | device address | paths? | device? |
 *     | name of the transport (2) | attributes (16) | flags, length | interface address |
 */
export interface WorkerAddress {
  /** Random, and different for each worker. */
  readonly id: Uint8Array;
  readonly devices: readonly WorkerDevice[];
}

export interface WorkerDevice {
  readonly memoryDomain: number;
  /** Shared memory: the identity of the host. TCP: the IP address. */
  readonly device: Uint8Array;
  /** A checksum of the name of the transport. */
  readonly transport: Uint8Array;
  /** Bandwidth, latency and what the transport can do. */
  readonly attributes: Uint8Array;
  /** Shared memory: the segment. TCP: the port. */
  readonly face: Uint8Array;
}

/** Version 1, and a worker id follows. */
const HEADER = 0x20;
const ID_BYTES = 8;
const TRANSPORT_BYTES = 2;
const ATTRIBUTE_BYTES = 16;
/** Most network interfaces of one worker. */
const MOST_DEVICES = 16;

/** Flags of the length of a device address. */
const LAST = 0x80;
const HAS_PATHS = 0x40;
const HAS_DEVICE = 0x20;
const DEVICE_LENGTH = 0x1f;
/** Flags of the length of an interface address. LAST: the last transport of its device. */
const HAS_ENDPOINT = 0x40;
const FACE_LENGTH = 0x3f;

/** Reads an address of which nothing is trusted. Throws ProtocolError for every other form. */
export function parseWorkerAddress(bytes: Uint8Array): WorkerAddress {
  const cursor = new Cursor(bytes);
  if (cursor.byte() !== HEADER) throw unknownForm('it has another version, or other flags');
  const id = cursor.take(ID_BYTES);
  const devices: WorkerDevice[] = [];
  for (let isLast = false; !isLast; ) {
    if (devices.length === MOST_DEVICES) throw unknownForm(`it has more than ${MOST_DEVICES} interfaces`);
    const memoryDomain = cursor.byte();
    const flags = cursor.byte();
    const device = cursor.take(flags & DEVICE_LENGTH);
    if ((flags & HAS_PATHS) !== 0) cursor.byte();
    if ((flags & HAS_DEVICE) !== 0) cursor.byte();
    isLast = (flags & LAST) !== 0;
    devices.push({ memoryDomain, device, ...transportAt(cursor) });
  }
  if (cursor.left !== 0) throw unknownForm(`${cursor.left} bytes follow its end`);
  return { id, devices };
}

/** Writes an address. Paths and devices are left out: UCX then assumes one path, and an unknown device. */
export function formatWorkerAddress({ id, devices }: WorkerAddress): Uint8Array {
  const records = devices.map(({ memoryDomain, device, transport, attributes, face }, index) => {
    const last = index === devices.length - 1 ? LAST : 0;
    return [memoryDomain, last | device.length, ...device, ...transport, ...attributes, LAST | face.length, ...face];
  });
  return Uint8Array.from([HEADER, ...id, ...records.flat()]);
}

function transportAt(cursor: Cursor): Pick<WorkerDevice, 'transport' | 'attributes' | 'face'> {
  const transport = cursor.take(TRANSPORT_BYTES);
  const attributes = cursor.take(ATTRIBUTE_BYTES);
  const flags = cursor.byte();
  if ((flags & LAST) === 0) throw unknownForm('it has a second transport');
  if ((flags & HAS_ENDPOINT) !== 0) throw unknownForm('it has the address of an endpoint');
  return { transport, attributes, face: cursor.take(flags & FACE_LENGTH) };
}

function unknownForm(why: string): ProtocolError {
  return new ProtocolError(`A UCX address has a form that this process does not know: ${why}.`);
}

class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    const [byte = 0] = this.take(1);
    return byte;
  }

  take(length: number): Uint8Array {
    if (this.left < length) throw unknownForm('it ends too early');
    this.#at += length;
    return this.#bytes.slice(this.#at - length, this.#at);
  }
}
