import type { MessagePort } from 'node:worker_threads';

/** The address of the far end. */
export type Address = string | MessagePort;

/** A library that sends messages to another process or thread. */
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

/** The operations of the near end. The far end confirms all of them: only arrived messages count. */
export interface Client {
  /** Sends messages one way. Resolves when the far end confirms that all have arrived. */
  tell(sizeBytes: number, count: number): Promise<void>;
  /** Sends a message, and calls `answered` when a reply of the same size has arrived. May be called while other asks are in flight. */
  ask(sizeBytes: number, answered: () => void): void;
  /** Like `tell`, but the receiver compares every byte. */
  stream(sizeBytes: number, count: number): Promise<void>;
  close(): Promise<unknown> | void;
}

/** Checks that an address is a string. */
export function textOf(address: Address): string {
  if (typeof address !== 'string') throw new TypeError('This peer needs a string as address.');
  return address;
}
