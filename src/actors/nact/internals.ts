import functions from 'nact/lib/functions.js';
import systemMap from 'nact/lib/system-map.js';

// The only file that loads nact. Its functions take a reference, find the system of that name in its registry, ask that for what the
// reference leads to, and call `dispatch`, `query` or `stop` on it.

/** nact's registry of the systems in this thread. */
export const nactSystems: typeof systemMap = systemMap;

/** nact's own `dispatch`: for references that are none of ours. */
export function dispatchByNact(actor: object, message: unknown, sender?: object): void {
  functions.dispatch(actor, message, sender);
}
