import type { ConnectionSocket } from '../handshake/index.js';
import { Status } from './abi.js';
import type { Shim } from './library.js';

/** The process at the other end of a Unix socket, as the kernel knows it. */
export interface PeerProcess {
  readonly pid: number;
  readonly userId: number;
}

/** Undefined for sockets that are not Unix sockets, and where Node does not reveal the descriptor. */
export function peerProcessOf(socket: ConnectionSocket, shim: Shim): PeerProcess | undefined {
  const descriptor = descriptorOf(socket);
  if (descriptor === undefined) return undefined;
  const found = new Uint32Array(2);
  if (shim.peerOf(descriptor, found) !== Status.ok) return undefined;
  const [pid = 0, userId = 0] = found;
  return { pid, userId };
}

/** Node has no public property for the descriptor of a socket. */
function descriptorOf(socket: ConnectionSocket): number | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null) return undefined;
  const descriptor: unknown = Reflect.get(handle, 'fd');
  return typeof descriptor === 'number' && descriptor >= 0 ? descriptor : undefined;
}
