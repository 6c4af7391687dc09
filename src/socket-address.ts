import { ConfigError } from './errors.js';
import { shownValue } from './foreign.js';
import { isHostName, isLoopbackHost, isWildcardHost } from './host-name.js';

/**
 * The address of a listening process:
 *
 *     unix:/run/millrace/a.sock         a socket file            unix:               one in a private folder (to listen)
 *     tcp://127.0.0.1:7000              port 0: any (to listen)  tls://host:7000     the same inside TLS
 *     ws://127.0.0.1:8080/millrace      a WebSocket at a path    wss://host/         the same inside TLS
 *     zmq+ipc:/tmp/a/link               ZeroMQ, a socket file    zmq+tcp://host:7000  ZeroMQ over TCP
 *
 * The address of a listener ends in `#` and its instance, a random token, new for each listener: the address of a process that has
 * exited never reaches its successor. An address without an instance reaches any listener at that place.
 */
export type SocketAddress = UnixAddress | HostAddress | WebSocketAddress;

export interface UnixAddress {
  readonly scheme: 'unix' | 'zmq+ipc';
  /** Empty: a socket file in a private folder. */
  readonly path: string;
  readonly instance: string;
}

export interface HostAddress {
  readonly scheme: 'tcp' | 'tls' | 'zmq+tcp';
  readonly host: string;
  readonly port: number;
  readonly instance: string;
}

export interface WebSocketAddress {
  readonly scheme: 'ws' | 'wss';
  readonly host: string;
  /** 80 or 443 where the text has none. */
  readonly port: number;
  /** Begins with a slash. */
  readonly path: string;
  readonly instance: string;
}

/** Longest path of a socket file: the kernel's `sun_path` without its final zero. */
const LONGEST_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

const UNIX = /^(?<scheme>unix|zmq\+ipc):(?<path>\/[^#\s]*)?(?:#(?<instance>[\w-]{1,64}))?$/;
const HOST =
  /^(?<scheme>tcp|tls|zmq\+tcp):\/\/(?:\[(?<ipv6>[\da-f:.]+)\]|(?<name>[\w.-]+)):(?<port>\d{1,5})(?:#(?<instance>[\w-]{1,64}))?$/i;
const WEB_SOCKET =
  /^(?<scheme>wss?):\/\/(?:\[(?<ipv6>[\da-f:.]+)\]|(?<name>[\w.-]+))(?::(?<port>\d{1,5}))?(?<path>\/[\w.~/-]{0,200})?(?:#(?<instance>[\w-]{1,64}))?$/i;

/** Returns undefined for a text that is not an address. */
export function parseAddress(text: string): SocketAddress | undefined {
  const unix = UNIX.exec(text)?.groups;
  if (unix !== undefined) {
    const path = unix['path'] ?? '';
    const isPlain = unix['scheme'] === 'unix';
    return Buffer.byteLength(path) > LONGEST_PATH_BYTES
      ? undefined
      : { scheme: isPlain ? 'unix' : 'zmq+ipc', path, instance: unix['instance'] ?? '' };
  }
  const groups = (HOST.exec(text) ?? WEB_SOCKET.exec(text))?.groups;
  const host = groups?.['ipv6'] ?? groups?.['name'];
  const scheme = groups?.['scheme']?.toLowerCase();
  const port = Number(groups?.['port'] ?? (scheme === 'wss' ? 443 : 80));
  if (groups === undefined || host === undefined || !isHostName(host) || port > 0xffff) return undefined;
  const instance = groups['instance'] ?? '';
  if (scheme === 'ws' || scheme === 'wss') return { scheme, host, port, path: groups['path'] ?? '/', instance };
  return { scheme: scheme === 'tls' || scheme === 'zmq+tcp' ? scheme : 'tcp', host, port, instance };
}

/** True for the schemes whose connections are inside TLS. */
export function isEncrypted({ scheme }: SocketAddress): boolean {
  return scheme === 'tls' || scheme === 'wss';
}

/** Returns why a socket file cannot have this path; undefined if it can. */
export function whyNoSocketPath(path: string): string | undefined {
  const bytes = Buffer.byteLength(path);
  if (bytes > LONGEST_PATH_BYTES) {
    return `the path of the socket file would have ${bytes} bytes, of at most ${LONGEST_PATH_BYTES}`;
  }
  return parseAddress(`unix:${path}`) === undefined ? 'its path is relative, or has a # or a blank' : undefined;
}

/** The addresses at which a process can listen, for help and errors. */
export const LISTEN_ADDRESSES =
  'unix: (a socket file in a private folder), unix:/path (absolute, at most 107 bytes, 103 on macOS, without # or blanks), ' +
  'tcp://host:port or tls://host:port (a port from 0 to 65535, 0: any; IPv6 in brackets)';

/** An address of a socket to listen on. Undefined for a text that is none. */
export function parseListenAddress(text: string): UnixAddress | HostAddress | undefined {
  const address = parseAddress(text);
  return address !== undefined && address.instance === '' && isSocket(address) ? address : undefined;
}

/** Parses an address of a socket to listen on. Throws ConfigError for a text that is not one. */
export function listenAddress(text: string): UnixAddress | HostAddress {
  const address = parseAddress(text);
  if (address !== undefined && isSocket(address)) return address;
  throw new ConfigError(`Cannot listen at ${shownValue(text)}. It accepts ${LISTEN_ADDRESSES}.`);
}

/** True for the address of a plain socket. */
function isSocket(address: SocketAddress): address is UnixAddress | HostAddress {
  return address.scheme === 'unix' || address.scheme === 'tcp' || address.scheme === 'tls';
}

/** True for an address that is a file of this host. */
export function isSocketFile(address: SocketAddress): address is UnixAddress {
  return address.scheme === 'unix' || address.scheme === 'zmq+ipc';
}

export function isWebSocket(address: SocketAddress): address is WebSocketAddress {
  return address.scheme === 'ws' || address.scheme === 'wss';
}

/** True for an address that another process can dial: one with a path, or with a port that is not 0. */
export function isDialable(address: SocketAddress): boolean {
  return isSocketFile(address) ? address.path !== '' : address.port !== 0;
}

export function formatAddress(address: SocketAddress): string {
  const instance = address.instance === '' ? '' : `#${address.instance}`;
  if (isSocketFile(address)) return `${address.scheme}:${address.path}${instance}`;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${address.scheme}://${host}:${address.port}${isWebSocket(address) ? address.path : ''}${instance}`;
}

/** True if only processes of this host can connect there. */
export function isLocal(address: SocketAddress): boolean {
  return isSocketFile(address) || isLoopbackHost(address.host);
}

/** True for an address that means all interfaces: others cannot connect to it by this name. */
export function isWildcard(address: SocketAddress): boolean {
  return !isSocketFile(address) && isWildcardHost(address.host);
}
