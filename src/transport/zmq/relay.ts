import type { MessagePort } from 'node:worker_threads';
import type { SocketEvent, SocketSpec } from './socket.js';

/** What a thread asks the main thread for: a socket, which speaks over `port`. */
export interface RelayRequest {
  readonly millraceZeroMq: SocketSpec;
  readonly port: MessagePort;
}

/** From the thread to its socket on the main thread. When the port closes, the socket does. */
export type ToSocket =
  | { readonly kind: 'bind' | 'connect'; readonly endpoint: string }
  | { readonly kind: 'read' }
  | { readonly kind: 'send'; readonly parts: readonly Uint8Array[] }
  /** The thread has taken a message. */
  | { readonly kind: 'taken' };

/** From the socket to its thread. */
export type ToThread =
  | { readonly kind: 'bound'; readonly endpoint: string }
  | { readonly kind: 'notBound'; readonly message: string; readonly code: unknown }
  | { readonly kind: 'arrived'; readonly parts: readonly Uint8Array[] }
  | { readonly kind: 'notSent'; readonly code: unknown; readonly first: Uint8Array }
  | { readonly kind: 'event'; readonly name: SocketEvent }
  | { readonly kind: 'failed'; readonly message: string };

/** Posts a message with copies of its parts: a message with a part of an ArrayBuffer would carry all of it. */
export function postParts(port: MessagePort, kind: 'send' | 'arrived', parts: readonly Uint8Array[]): void {
  const copies = parts.map((part) => new Uint8Array(part));
  const message: ToSocket | ToThread = { kind, parts: copies };
  port.postMessage(
    message,
    copies.map(({ buffer }) => buffer),
  );
}
