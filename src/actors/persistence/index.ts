/**
 * Typed event sourcing, as `millrace/persistence`: behaviors whose state is made of stored events. It is for users; nothing in the runtime
 * may call it. Engines are called through the scheduler's `outside`, so that virtual time waits for them.
 */
export type { PersistentContext } from './context.js';
export { MemoryEngine } from './memory-engine.js';
export { persistent } from './persistent.js';
export type { PersistentHandlers, PersistentLifecycle, PersistentOptions } from './definition.js';
export {
  configurePersistence,
  type EventStream,
  type PersistedEvent,
  type PersistedSnapshot,
  type PersistenceEngine,
} from './store/index.js';
export type { SnapshotCodec } from './stored-messages.js';
