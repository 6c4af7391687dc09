import type { Dealer, Router } from 'zeromq';

/** A socket to make. `options`: those of the package. */
export type SocketSpec =
  | { readonly type: 'Dealer'; readonly options: NonNullable<ConstructorParameters<typeof Dealer>[0]> }
  | { readonly type: 'Router'; readonly options: NonNullable<ConstructorParameters<typeof Router>[0]> };

export const SOCKET_EVENTS = [
  'handshake',
  'connect:retry',
  'disconnect',
  'handshake:error:protocol',
  'handshake:error:auth',
  'handshake:error:other',
] as const;

export type SocketEvent = (typeof SOCKET_EVENTS)[number];

/** What a socket tells its owner. Nothing here may throw. */
export interface SocketOwner {
  /** A message has arrived. The next one is read when the promise resolves, if it returns one. */
  arrived(parts: readonly Uint8Array[]): void | Promise<void>;
  /** ZeroMQ has not taken a message. `first`: its first part. */
  notSent(code: unknown, first: Uint8Array): void;
  event(name: SocketEvent): void;
  /** The socket cannot be used any more. */
  failed(error: Error): void;
}

/** A socket of ZeroMQ, which is on the main thread of this process, wherever it is used. */
export interface ZeroMqSocket {
  /** Rejects with what the package says, which has a `code`. Resolves to the address, with the port. */
  bind(endpoint: string): Promise<string>;
  connect(endpoint: string): void;
  /** Begins to read. Call it after `bind`. */
  read(): void;
  /** Hands a message to ZeroMQ. */
  send(parts: readonly Uint8Array[]): void;
  close(): void;
}
