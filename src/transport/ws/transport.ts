import { StreamTransport, type StreamTransportOptions } from '../byte-stream/index.js';
import type { UpgradeServer } from './kind.js';
import { webSocketProtocol } from './protocol.js';

export interface WebSocketTransportOptions extends StreamTransportOptions {
  /** `ws://host:port/path` or `wss://host:port/path`. With `server`: the address that others dial. */
  readonly listen?: string;
  /** The HTTP server beside whose routes it listens, at the path of `listen`. Undefined: it has a port of its own. */
  readonly server?: UpgradeServer | undefined;
  /** Origins of the pages whose connections are accepted. Default: none. */
  readonly origins?: readonly string[] | undefined;
}

/** Links over WebSockets. */
export class WebSocketTransport extends StreamTransport {
  constructor({ server, origins = [], ...options }: WebSocketTransportOptions) {
    super('ws', webSocketProtocol({ server, origins }), options);
  }
}
