/**
 * A message from a link whose large fields still lie in the memory of its sender. It waits in the mailbox like this, and is read when its turn has
 * come. Whoever drops it disposes it.
 */
export abstract class ArrivingMessage implements Disposable {
  /** Reads the message, once. Rejects with UnreachableError when its fields are gone, and with ProtocolError when it is malformed. */
  abstract open(): Promise<unknown>;

  /** Gives the memory of its fields back. Does nothing the second time. */
  abstract dispose(): void;

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Drops a message: gives back what has arrived of it. */
export function dropMessage(message: unknown): void {
  if (message instanceof ArrivingMessage) message.dispose();
}
