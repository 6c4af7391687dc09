/** The internal modules of nact 7.6.2 that internals.ts uses; nact's own types describe only its public API. */
declare module 'nact/lib/system-map.js' {
  /** nact's functions call `find` with a reference, and then `dispatch`, `query`, `stop` or `assertNotStopped` of the result. */
  interface System {
    readonly name: string;
    find(reference: object): object | undefined;
  }

  const systemMap: {
    /** Replaces a system of the same name. */
    add(system: System): void;
    find(systemName: string): System | undefined;
    remove(systemName: string): void;
  };
  export default systemMap;
}

declare module 'nact/lib/functions.js' {
  const functions: {
    dispatch(actor: object, message: unknown, sender?: object): void;
    query(actor: object, message: unknown, timeoutMs: number): Promise<unknown>;
    stop(actor: object): void;
  };
  export default functions;
}
