/**
 * Event sourcing in nact's form: persistent actors whose functions handle their own events again. Users call it through `millrace/nact`.
 * Nothing here may know a particular engine.
 */
export type { Persist, PersistentActorContext, PersistentActorFunc, PersistentActorProps } from './props.js';
export { persistentQuery, type PersistentQueryFunc, type PersistentQueryProps } from './persistent-query.js';
export { spawnPersistent } from './spawn-persistent.js';
