import { isMainThread } from 'node:worker_threads';
import { LocalSocket } from './local-socket.js';
import { RelayedSocket } from './relayed-socket.js';
import type { SocketOwner, SocketSpec, ZeroMqSocket } from './socket.js';

/** Makes a socket on the main thread. There it throws ResourceError where the package is missing; on a worker thread the socket fails. */
export function openSocket(spec: SocketSpec, owner: SocketOwner): ZeroMqSocket {
  return isMainThread ? new LocalSocket(spec, owner) : new RelayedSocket(spec, owner);
}
