import { ProtocolError, ResourceError } from '../../errors.js';
import { Fabric } from './abi.js';
import type { PeerProcess } from './peer-process.js';
import { SharedMemoryPlace } from './shared-memory-place.js';
import { TcpPlace } from './tcp-place.js';
import { formatWorkerAddress, parseWorkerAddress, type WorkerDevice } from './worker-address.js';

/** Checks where a peer says that its worker is. */
export interface WorkerPlace {
  /** Throws ProtocolError for a place at which no worker of the peer can be. */
  check(theirs: WorkerDevice, peer: PeerProcess | undefined): void;
}

/**
 * Makes an address for UCX out of the address that a peer sent. UCX does not check addresses: 21 bytes can end the process, and an address
 * can name any file of this user as shared memory. So UCX never gets the bytes of the peer. It gets an address of this process, made by
 * UCX itself, in which the id of the worker and its place (a segment, or IP addresses and ports) were replaced after they were checked.
 */
export class AddressTemplate {
  readonly #own: WorkerDevice;
  readonly #place: WorkerPlace;

  /** `own`: the address of an open worker of this process. Throws ResourceError if its form is unknown: then this UCX cannot be used. */
  constructor(fabric: Fabric, own: Uint8Array) {
    try {
      const [device] = parseWorkerAddress(own).devices;
      if (device === undefined) throw new ProtocolError('It has no interface.');
      this.#own = device;
      this.#place = fabric === Fabric.sharedMemory ? new SharedMemoryPlace(device) : new TcpPlace();
    } catch (cause) {
      if (!(cause instanceof ProtocolError)) throw cause;
      throw new ResourceError(
        `The installed UCX has addresses that this release of Millrace does not know. ${cause.message} Set the option ucx to off, or install another UCX.`,
        { cause },
      );
    }
  }

  /**
   * The address of the peer's worker, for UCX. `peer`: the process at the other end of the socket, as the kernel knows it; undefined if
   * the kernel does not know it. Throws ProtocolError if UCX must not see the address.
   */
  fill(address: Uint8Array, peer: PeerProcess | undefined): Uint8Array {
    const { id, devices } = parseWorkerAddress(address);
    const { memoryDomain, transport, attributes } = this.#own;
    const filled = devices.map((theirs) => {
      const isSameTransport = theirs.memoryDomain === memoryDomain && Buffer.compare(theirs.transport, transport) === 0;
      if (!isSameTransport) throw new ProtocolError('The peer sent the UCX address of another transport.');
      this.#place.check(theirs, peer);
      return { memoryDomain, transport, attributes, device: theirs.device, face: theirs.face };
    });
    return formatWorkerAddress({ id, devices: filled });
  }
}
