import functions from 'nact/lib/functions.js';
import systemMap from 'nact/lib/system-map.js';

// The only file that loads nact. nact's functions take a reference, find its system by name in the registry, resolve the reference there,
// and call `dispatch`, `query` or `stop` on the result.

/** nact's registry of the systems in this thread. */
export const nactSystems: typeof systemMap = systemMap;

// nact's own functions, for references that Millrace did not create.

export function dispatchByNact(actor: object, message: unknown, sender?: object): void {
  functions.dispatch(actor, message, sender);
}

export function queryByNact(actor: object, message: unknown, timeoutMs: number): Promise<unknown> {
  return functions.query(actor, message, timeoutMs);
}

export function stopByNact(actor: object): void {
  functions.stop(actor);
}
