/** What is opened in an order, and closed in the reverse of it. */
export interface Closable {
  close?(): Promise<void> | void;
}

/** Resources in the order of their construction, which is the contract: each may use those before it, and is closed before they are. */
export class ResourceStack {
  readonly #open: Closable[] = [];

  /** Keeps what was made: it is closed with the others. */
  async add<T extends Closable>(resource: T | Promise<T>): Promise<T> {
    const made = await resource;
    this.#open.push(made);
    return made;
  }

  /** Closes all, the last first; one that fails does not keep the others open. Throws the first failure when all are closed. Idempotent. */
  async close(): Promise<void> {
    let failure: { readonly error: unknown } | undefined;
    for (let last = this.#open.pop(); last !== undefined; last = this.#open.pop()) {
      try {
        await last.close?.();
      } catch (error) {
        failure ??= { error };
      }
    }
    if (failure !== undefined) throw failure.error;
  }
}
