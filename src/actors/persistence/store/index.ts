/**
 * What every persistent actor is made of: the interface of engines, the journal that writes the events of one actor, its snapshots, and
 * its recovery. Persistent behaviors and `millrace/nact` call it. It may not know what an event or a message is, nor a particular engine.
 */
export {
  checkEngine,
  configuredEngine,
  configurePersistence,
  type EventStream,
  type PersistedEvent,
  type PersistedSnapshot,
  type PersistenceEngine,
} from './engine.js';
export { Journal } from './journal.js';
export { decoded, eventsAfter, latestSnapshot, unreadable } from './recovery.js';
export { Snapshots } from './snapshots.js';
