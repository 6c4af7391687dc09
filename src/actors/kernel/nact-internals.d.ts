/** The parts of nact 7.6.2 that nact.ts stands on; nact's own types describe only its public face. */
declare module 'nact/lib/system.js' {
  /** The object behind a system's reference. nact's functions find actors by walking `children` from here. */
  export interface NactSystem {
    readonly name: string;
    children: ReadonlyMap<string, unknown>;
    /** Where the answers to queries go, by the id of their reference. */
    tempReferences: ReadonlyMap<number, { resolve(answer: unknown): void }>;
    stop(): void;
    assertNotStopped(): boolean;
  }
  /** Registers a system under `name`, in place of one that has it already; `extension` is given the object behind it. */
  export function start(options: { name: string }, extension: (system: NactSystem) => void): unknown;
}

declare module 'nact/lib/system-map.js' {
  export function find(systemName: string): unknown;
}

declare module 'nact/lib/functions.js' {
  export function dispatch(actor: object, message: unknown, sender?: object): void;
}
