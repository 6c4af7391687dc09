/**
 * Event sourcing in nact's form: persistent actors, and the interface of the engines that store their events and snapshots. Users call
 * it through `millrace/nact`. Engines are called through the scheduler's `outside`, so that virtual time waits for them. Nothing here may
 * know a particular store.
 */
export { type Persist, type PersistentActorContext } from './context.js';
export type { EventStream, PersistedEvent, PersistedSnapshot, PersistenceEngine } from './engine.js';
export type { PersistentActorFunc, PersistentActorProps } from './props.js';
export { configurePersistence, spawnPersistent } from './spawn-persistent.js';
