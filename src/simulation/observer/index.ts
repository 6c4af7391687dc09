/**
 * The observer of a simulation: references and behaviors that record messages, streams and watches, and the invariants that it checks.
 * SimulatedNode uses them in place of plain ones. They must not change what the runtime does, except for an id in the meta of messages.
 */
export { Observer, type ObserverOptions } from './observer.js';
export type { Party } from './message.js';
