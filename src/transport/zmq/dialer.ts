import { Deferred } from '../../deferred.js';
import { errorOf } from '../../foreign.js';
import { ConfigError, UnreachableError } from '../../errors.js';
import { systemEntropy } from '../../scheduler/index.js';
import { formatAddress, isSocketFile, isWebSocket, type SocketAddress } from '../../socket-address.js';
import type { ByteStream, Dialing } from '../handshake/index.js';
import type { LinkSecurity } from '../link-options.js';
import { curveKeys } from './keys.js';
import { readHeader } from './message.js';
import { NumberedStream } from './numbered-stream.js';
import type { SocketOwner } from './socket.js';
import { openSocket } from './sockets.js';
import type { ZeroMqSettings } from './protocol.js';
import { socketOptions } from './zmq-package.js';

/** Names a connection, so that the listener knows it again after ZeroMQ has connected again. A secret: nobody else can take its place. */
const ROUTING_ID_BYTES = 16;
const NO_BYTES = new Uint8Array(0);

export function dial(address: SocketAddress, security: LinkSecurity, settings: ZeroMqSettings): Dialing {
  const { totals, scheduler } = settings;
  const endpoint = endpointOf(address);
  const options = {
    ...socketOptions(settings.linkDeadMs),
    ...curveOf(address, security),
    ipv6: !isSocketFile(address) && address.host.includes(':'),
    routingId: Buffer.from(systemEntropy(ROUTING_ID_BYTES)).toString('hex'),
  };
  const stream: NumberedStream = new NumberedStream({
    scheduler,
    totals,
    medium: mediumOf(address),
    send: (header, payload) => socket.send(payload === undefined ? [header] : [header, payload]),
  });
  const { connected, event, failed } = connection(stream);
  const socket = openSocket(
    { type: 'Dealer', options },
    {
      arrived: (parts) => received(stream, parts),
      notSent: () => stream.dropped(),
      event,
      failed,
    },
  );
  stream.on('error', () => {}).on('close', () => socket.close());
  socket.read();
  socket.connect(endpoint);
  return { connected, destroy: () => stream.destroy() };
}

interface Connection extends Pick<SocketOwner, 'event' | 'failed'> {
  /** Resolves when the two sockets have shaken hands. */
  readonly connected: Promise<ByteStream>;
}

/** The events of the socket say when the two ends have shaken hands; later, when they are apart, and together again. */
function connection(stream: NumberedStream): Connection {
  const made = new Deferred<ByteStream>();
  let isConnected = false;
  const apart = (why: string): void => {
    if (isConnected) return stream.absent();
    made.reject(new UnreachableError(why, { isRefused: true }));
    stream.destroy();
  };
  stream.once('close', () => made.reject(new UnreachableError('the connection was closed')));
  return {
    connected: made.promise,
    event: (name) => {
      if (name === 'connect:retry') return apart('nothing listens there');
      if (name !== 'handshake') return apart('the other end is no Millrace with this cluster key, or none at all');
      if (isConnected) stream.returned();
      isConnected = true;
      made.resolve({ stream, socket: stream });
    },
    failed: (error) => {
      made.reject(error);
      stream.destroy(error);
    },
  };
}

/** Messages that are no messages of a link end it. */
export function received(stream: NumberedStream, [header = NO_BYTES, payload = NO_BYTES]: readonly Uint8Array[]): void {
  try {
    stream.arrived(readHeader(header), payload);
  } catch (error) {
    stream.destroy(errorOf(error));
  }
}

/** Between hosts CURVE encrypts and authenticates. A socket file needs neither. */
function curveOf(address: SocketAddress, { key }: LinkSecurity): object {
  if (key === undefined || isSocketFile(address)) return {};
  const { publicKey, secretKey } = curveKeys(key);
  return { curveServerKey: publicKey, curvePublicKey: publicKey, curveSecretKey: secretKey };
}

/** The address as ZeroMQ writes it. */
export function endpointOf(address: SocketAddress): string {
  if (isWebSocket(address)) throw new ConfigError(`${formatAddress(address)} is no address of ZeroMQ.`);
  if (isSocketFile(address)) return `ipc://${address.path}`;
  return formatAddress({ ...address, scheme: 'tcp', instance: '' });
}

export function mediumOf({ scheme }: SocketAddress): string {
  return scheme.replace('zmq+', '');
}
