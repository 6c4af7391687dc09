/**
 * A message whose large fields lie in memory that is held for it: of its sender over a link, or of blocks in this partition. It waits in the mailbox
 * like this, and is read when its turn has come. Whoever drops it disposes it.
 */
export abstract class ArrivingMessage implements Disposable {
  /**
   * Reads the message. `lends`: its borrowed fields are lent until it is disposed; else they are copied. A second time gives the same message.
   * Rejects with UnreachableError when its fields are gone, and with ProtocolError when it is malformed.
   */
  abstract open(lends: boolean): Promise<unknown>;

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
