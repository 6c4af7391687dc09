/** Resources in the order of their construction, which is the contract: each may use those before it, and is closed before they are. */
export class ResourceStack {
  readonly #open: object[] = [];

  /** Keeps what was made: where it has a `close` it is closed with the others. */
  add<T extends object>(resource: T): T {
    this.#open.push(resource);
    return resource;
  }

  /** Closes all, the last first; one that fails does not keep the others open. Throws the first failure when all are closed. Idempotent. */
  async close(): Promise<void> {
    let failure: { readonly error: unknown } | undefined;
    for (let last = this.#open.pop(); last !== undefined; last = this.#open.pop()) {
      try {
        if (isClosable(last)) await last.close();
      } catch (error) {
        failure ??= { error };
      }
    }
    if (failure !== undefined) throw failure.error;
  }
}

function isClosable(resource: object): resource is { close(): Promise<void> | void } {
  return 'close' in resource && typeof resource.close === 'function';
}
