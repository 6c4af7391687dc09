/**
 * Event sourcing in nact's form: persistent actors, and the interface of the engines that keep their events and snapshots. An engine is
 * called through the scheduler's `outside`, so that virtual time waits for it; nothing here knows a store.
 */
export { type Persist, type PersistentActorContext } from './context.js';
export type { EventStream, PersistedEvent, PersistedSnapshot, PersistenceEngine } from './engine.js';
export type { PersistentActorFunc, PersistentActorProps } from './props.js';
export { configurePersistence, spawnPersistent } from './spawn-persistent.js';
