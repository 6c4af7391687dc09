/** The parts of nact 7.6.2 that internals.ts stands on; nact's own types describe only its public face. */
declare module 'nact/lib/system-map.js' {
  /** nact's functions call `find` with a reference, and then `dispatch`, `query`, `stop` or `assertNotStopped` of what it gives. */
  interface System {
    readonly name: string;
    find(reference: object): object | undefined;
  }

  const systemMap: {
    /** In place of one that has the name already. */
    add(system: System): void;
    find(systemName: string): System | undefined;
    remove(systemName: string): void;
  };
  export default systemMap;
}

declare module 'nact/lib/functions.js' {
  const functions: { dispatch(actor: object, message: unknown, sender?: object): void };
  export default functions;
}
