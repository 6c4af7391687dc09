/** Resources in the order of their creation: each may use those before it, and is closed before them. */
export class ResourceStack {
  readonly #open: object[] = [];

  /** Adds a resource, and returns it. If it has a `close`, the stack calls that. */
  add<T extends object>(resource: T): T {
    this.#open.push(resource);
    return resource;
  }

  /** Closes all, the last first, even if one fails. Rejects with the first failure when all are closed. Idempotent. */
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
