import { ConfigError } from '../../errors.js';
import { loadPart } from '../../installation.js';
import { text } from '../../option.js';
import { formatAddress, isWebSocket, parseAddress } from '../../socket-address.js';
import type { TransportKind } from '../kind.js';

/** Called with a request of `node:http`, its socket, and the first bytes after it. */
export type UpgradeListener = (request: unknown, socket: unknown, head: unknown) => void;

/** A server of `node:http` or `node:https`: that of Fastify is `app.server`, that of Express is what `app.listen` returns. */
export interface UpgradeServer {
  on(event: 'upgrade', listener: UpgradeListener): unknown;
  off(event: 'upgrade', listener: UpgradeListener): unknown;
  listenerCount(event: 'upgrade'): number;
}

export interface WebSocketSettings {
  /** Where this process also accepts WebSockets: `ws://host:port/path`, or `wss://` inside TLS. Default: nowhere. */
  readonly wsListen?: string;
  /**
   * An HTTP server of this program, beside whose routes the first partition listens at the path of `wsListen`, which is then the address that
   * others dial. Default: a port of its own.
   */
  readonly wsServer?: UpgradeServer;
  /** Origins of the pages whose browsers may connect, such as `https://shop.example`. Default: none. */
  readonly wsOrigins?: readonly string[];
}

/** Values of `webSocketOptions`. */
export interface WebSocketValues {
  readonly wsListen: string;
  readonly wsOrigins: string;
}

const SCHEMES = ['ws:', 'wss:'] as const;
const ORIGIN = 'https?://[\\w.-]+(:\\d{1,5})?';

export const webSocketOptions = {
  wsListen: text({
    default: 'none',
    description: 'Address at which other processes reach this one over WebSockets, beside listen; none: they cannot.',
    accepts:
      'none, ws://host:port/path or wss://host:port/path (a port from 0 to 65535, 0: any; IPv6 in brackets; a path of letters, digits and ._~-/)',
    isValid: (address) => address === 'none' || isListenAddress(address),
  }),
  wsOrigins: text({
    default: '',
    defaultText: 'none',
    description: 'Origins of the pages whose browsers may connect to wsListen.',
    accepts: 'origins like https://shop.example, separated by commas, or nothing',
    isValid: (origins) => new RegExp(`^(${ORIGIN}(,${ORIGIN})*)?$`).test(origins),
  }),
} as const;

export function webSocketSettings({ wsListen, wsOrigins }: WebSocketValues): WebSocketSettings {
  return {
    ...(wsListen !== 'none' && { wsListen }),
    ...(wsOrigins !== '' && { wsOrigins: wsOrigins.split(',') }),
  };
}

/** WebSockets: they pass HTTP proxies, and share a port with an HTTP server. */
export const webSocketKind: TransportKind<WebSocketSettings> = {
  name: 'ws',
  schemes: SCHEMES,
  open: async ({ links, ...common }) => {
    const { wsListen, wsServer, wsOrigins, ...shared } = links;
    if (wsServer !== undefined && wsListen === undefined) {
      throw new ConfigError(
        'wsServer is set, and wsListen is not: give the address at which others reach that server, with a path.',
      );
    }
    const { WebSocketTransport } = await loadPart(import('./transport.js'));
    const layer = (listen: string | undefined, server: UpgradeServer | undefined) => ({
      transport: new WebSocketTransport({
        ...shared,
        ...common,
        ...(listen && { listen }),
        server,
        origins: wsOrigins,
      }),
      schemes: SCHEMES,
      isDialOnly: listen === undefined,
    });
    return {
      layers: (_listen, partition) =>
        partition === 0 ? [layer(wsListen, wsServer)] : [layer(wsListen && onAnyPort(wsListen), undefined)],
    };
  },
};

function isListenAddress(text: string): boolean {
  const address = parseAddress(text);
  return address !== undefined && isWebSocket(address) && address.instance === '';
}

function onAnyPort(text: string): string {
  const address = parseAddress(text);
  return address === undefined || !isWebSocket(address) ? text : formatAddress({ ...address, port: 0 });
}
