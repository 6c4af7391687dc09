import { StreamTransport, type StreamTransportOptions } from '../byte-stream/index.js';
import { socketProtocol } from '../handshake/index.js';

/** Links over sockets: Unix sockets on one host, TCP or TLS between hosts. Used where no faster transport reaches the peer. */
export class NetTransport extends StreamTransport {
  constructor(options: StreamTransportOptions) {
    super('net', socketProtocol, options);
  }
}
