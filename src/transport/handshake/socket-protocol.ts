import type { Socket } from 'node:net';
import { UnreachableError } from '../../errors.js';
import { ConnectionListener } from './listener.js';
import { withoutUncaughtErrors } from './peer-connection.js';
import { schemeOf, socketTo } from './sockets.js';
import type { ByteStream, StreamProtocol } from './stream-protocol.js';

/** Sockets as they are: Unix sockets, TCP and TLS. */
export const socketProtocol: StreamProtocol = {
  schemes: ['unix', 'tcp', 'tls'],
  dial: (address, security) => {
    const socket = withoutUncaughtErrors(socketTo(address, security));
    return {
      connected: connected(socket, address.scheme === 'tls' ? 'secureConnect' : 'connect'),
      destroy: () => socket.destroy(),
    };
  },
  listener: (settings, options, accept) => new ConnectionListener(settings, options, accept),
  mediumOf: schemeOf,
};

function connected(socket: Socket, event: 'connect' | 'secureConnect'): Promise<ByteStream> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      socket.off('error', failed).off('close', closed);
      resolve({ stream: socket, socket });
    };
    const failed = (error: Error): void => reject(error);
    const closed = (): void => reject(new UnreachableError('the connection was closed'));
    socket.once(event, done).on('error', failed).on('close', closed);
  });
}
