import type { Duplex } from 'node:stream';

/** What carries a connection: a socket of Node, or a stream that stands for one. */
export interface ConnectionSocket extends Duplex {
  /** The other end. Undefined where both ends are on this host, and where that cannot be told. */
  readonly remoteAddress?: string | undefined;
  readonly remoteFamily?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  /** Counted by sockets only. */
  readonly bytesRead?: number;
  readonly bytesWritten?: number;
}
