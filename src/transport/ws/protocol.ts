import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { ConfigError, UnreachableError } from '../../errors.js';
import { errorOf } from '../../foreign.js';
import { formatAddress, isEncrypted, isWebSocket, type SocketAddress } from '../../socket-address.js';
import { type ByteStream, type Dialing, type StreamProtocol, tlsClientOptions } from '../handshake/index.js';
import type { LinkSecurity } from '../link-options.js';
import { WebSocketListener, type WebSocketPlace } from './listener.js';
import { WebSocketStream } from './web-socket-stream.js';
import { loadWs, SOCKET_OPTIONS, SUBPROTOCOL } from './ws-package.js';

export function webSocketProtocol(place: WebSocketPlace): StreamProtocol {
  return {
    schemes: ['ws', 'wss'],
    dial,
    listener: (settings, options, accept) => new WebSocketListener(settings, options, place, accept),
    mediumOf: (socket) => (socket instanceof TLSSocket ? 'wss' : 'ws'),
  };
}

function dial(address: SocketAddress, security: LinkSecurity): Dialing {
  let isDestroyed = false;
  let end = (): void => {
    isDestroyed = true;
  };
  const connect = async (): Promise<ByteStream> => {
    const { WebSocket } = await loadWs();
    if (isDestroyed) throw new UnreachableError('the connection was closed');
    const tls = isEncrypted(address) ? tlsClientOptions(security.tls) : {};
    const webSocket = new WebSocket(urlOf(address), SUBPROTOCOL, { ...SOCKET_OPTIONS, ...tls });
    const stream = new WebSocketStream(webSocket);
    stream.on('error', () => {});
    end = () => void stream.destroy();
    return new Promise((resolve, reject) => {
      let socket: Socket | undefined;
      webSocket
        .once('upgrade', (response) => {
          socket = response.socket;
        })
        .once('open', () => {
          if (socket === undefined) return;
          stream.carriedBy(socket);
          resolve({ stream, socket });
        })
        .once('error', (error) => reject(errorOf(error)))
        .once('close', () => reject(new UnreachableError('the connection was closed')));
    });
  };
  return { connected: connect(), destroy: () => end() };
}

/** Throws ConfigError for an address without a host. */
function urlOf(address: SocketAddress): string {
  if (!isWebSocket(address)) throw new ConfigError(`${formatAddress(address)} is no address of a WebSocket.`);
  return formatAddress({ ...address, instance: '' });
}
