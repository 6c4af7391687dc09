import functions from 'nact/lib/functions.js';
import systemMap from 'nact/lib/system-map.js';

// The only file that loads nact. nact's functions take a reference, find its system by name in the registry, resolve the reference there,
// and call `dispatch`, `query` or `stop` on the result.

/** nact's registry of the systems in this thread. */
export const nactSystems: typeof systemMap = systemMap;

/** nact's own `dispatch`, for references that Millrace did not create. */
export function dispatchByNact(actor: object, message: unknown, sender?: object): void {
  functions.dispatch(actor, message, sender);
}
