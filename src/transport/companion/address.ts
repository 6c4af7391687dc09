import { ConfigError } from '../../errors.js';

/**
 * Where a process listens for companion sockets:
 *
 *     unix:/run/millrace/a.sock         a socket file            unix:               one in a private folder (to listen)
 *     tcp://127.0.0.1:7000              port 0: any (to listen)  tls://host:7000     the same inside TLS
 *
 * What a listener hands out ends in `#` and the instance, a word that is new each time: an address whose process is gone never
 * leads to the one that listens there now. Without it, whoever listens there is meant.
 */
export type CompanionAddress = UnixAddress | HostAddress;

export interface UnixAddress {
  readonly scheme: 'unix';
  /** Empty: in a private folder. */
  readonly path: string;
  readonly instance: string;
}

export interface HostAddress {
  readonly scheme: 'tcp' | 'tls';
  readonly host: string;
  readonly port: number;
  readonly instance: string;
}

/** Bytes of a socket file's path that the kernel takes: sun_path, less its final zero. */
const LONGEST_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

const UNIX = /^unix:(?<path>\/[^#\s]*)?(?:#(?<instance>[\w-]{1,64}))?$/;
const HOST =
  /^(?<scheme>tcp|tls):\/\/(?:\[(?<ipv6>[\da-f:.]+)\]|(?<name>[\w.-]+)):(?<port>\d{1,5})(?:#(?<instance>[\w-]{1,64}))?$/i;

/** Undefined for a text that is no address. */
export function parseAddress(text: string): CompanionAddress | undefined {
  const unix = UNIX.exec(text)?.groups;
  if (unix !== undefined) {
    const path = unix['path'] ?? '';
    return Buffer.byteLength(path) > LONGEST_PATH_BYTES
      ? undefined
      : { scheme: 'unix', path, instance: unix['instance'] ?? '' };
  }
  const groups = HOST.exec(text)?.groups;
  const host = groups?.['ipv6'] ?? groups?.['name'];
  const port = Number(groups?.['port']);
  if (groups === undefined || host === undefined || port > 0xffff) return undefined;
  const scheme = groups['scheme']?.toLowerCase() === 'tls' ? 'tls' : 'tcp';
  return { scheme, host, port, instance: groups['instance'] ?? '' };
}

/** Why no socket file can have this path; undefined where one can. */
export function whyNoSocketPath(path: string): string | undefined {
  const bytes = Buffer.byteLength(path);
  if (bytes > LONGEST_PATH_BYTES) {
    return `the path of the socket file would have ${bytes} bytes, of at most ${LONGEST_PATH_BYTES}`;
  }
  return parseAddress(`unix:${path}`) === undefined ? 'its path is relative, or has a # or a blank' : undefined;
}

/** Where to listen. ConfigError for a text that is no address. */
export function listenAddress(text: string): CompanionAddress {
  const address = parseAddress(text);
  if (address !== undefined) return address;
  throw new ConfigError(
    `Cannot listen at "${text}". Accepted: unix: (a socket file in a private folder), unix:/absolute/path of at most ` +
      `${LONGEST_PATH_BYTES} bytes without # or blanks, tcp://host:port, tls://host:port (port 0: any).`,
  );
}

export function formatAddress(address: CompanionAddress): string {
  const instance = address.instance === '' ? '' : `#${address.instance}`;
  if (address.scheme === 'unix') return `unix:${address.path}${instance}`;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${address.scheme}://${host}:${address.port}${instance}`;
}

/** Only processes of this host can come from there. */
export function isLocal(address: CompanionAddress): boolean {
  if (address.scheme === 'unix') return true;
  return address.host === 'localhost' || address.host === '::1' || /^127(\.\d{1,3}){3}$/.test(address.host);
}

/** All interfaces: nobody can connect to it by this name. */
export function isWildcard(address: CompanionAddress): boolean {
  return address.scheme !== 'unix' && (address.host === '0.0.0.0' || address.host === '::');
}
