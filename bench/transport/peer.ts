import type { MessagePort } from 'node:worker_threads';

/** Where the far end can be reached. */
export type Address = string | MessagePort;

/** A way to send messages to another process or thread: two programs that find one another. */
export interface Peer {
  /** At the far end. */
  serve(): Promise<Server>;
  /** At the near end. */
  connect(address: Address): Promise<Client>;
}

export interface Server {
  readonly address: Address;
  close(): Promise<unknown> | void;
}

/** What the near end can do. All of it is confirmed by the far end: what has not arrived there does not count. */
export interface Client {
  /** Sends messages one way; resolves when the far end says that all have come. */
  tell(sizeBytes: number, count: number): Promise<void>;
  /** Sends a message, and calls back when one of the same size has come for it. May be called while others wait. */
  ask(sizeBytes: number, answered: () => void): void;
  /** As `tell`, where the end that gets them compares every byte. */
  stream(sizeBytes: number, count: number): Promise<void>;
  close(): Promise<unknown> | void;
}

/** A peer takes addresses of its own kind. */
export function textOf(address: Address): string {
  if (typeof address !== 'string') throw new TypeError('This peer is reached by an address in words.');
  return address;
}
