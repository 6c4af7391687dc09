import { ProtocolError } from '../../errors.js';
import type { WorkerPlace } from './address-template.js';
import type { WorkerDevice } from './worker-address.js';

const HEADER_BYTES = 2;
const PORT_BYTES = 2;
const LOOPBACK = 1;
/** The identity of the host, and of its network namespace. */
const LOOPBACK_BYTES = 16;
/** Bytes of an IP address, by its family. */
const IP_BYTES: ReadonlyMap<number, number> = new Map([
  [2, 4],
  [10, 16],
]);

/**
 * The place of a worker over TCP.
 *
 *     device:    | flags | family | IP address, or the identity of the host for loopback |
 *     interface: | port (2) |
 */
export class TcpPlace implements WorkerPlace {
  check({ device, face }: WorkerDevice): void {
    const [flags = 0, family = 0] = device;
    const ipBytes = IP_BYTES.get(family);
    const expected = flags === LOOPBACK ? LOOPBACK_BYTES : ipBytes;
    const isKnown = flags === 0 || flags === LOOPBACK;
    if (!isKnown || ipBytes === undefined || device.length - HEADER_BYTES !== expected || face.length !== PORT_BYTES) {
      throw new ProtocolError('The peer sent a UCX address that does not contain an IP address with a port.');
    }
  }
}
