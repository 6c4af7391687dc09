/** The parts of nact 7.6.2 that nact.ts stands on; nact's own types describe only its public face. */
declare module 'nact/lib/system-map.js' {
  /** nact's functions call `find` with a reference, and then `dispatch`, `query`, `stop` or `assertNotStopped` of what it gives. */
  interface System {
    readonly name: string;
    find(reference: object): object | undefined;
  }

  /** In place of one that has the name already. */
  export function add(system: System): void;
  export function find(systemName: string): System | undefined;
  export function remove(systemName: string): void;
}

declare module 'nact/lib/functions.js' {
  export function dispatch(actor: object, message: unknown, sender?: object): void;
}
