/**
 * Observers of a simulation: references and behaviors that pass on what they are given and note it, and the rules that all of it is held
 * to. World hands them out in place of plain ones; they must never change what the runtime does, the meta of messages apart.
 */
export { Observer, type ObserverOptions } from './observer.js';
export type { Party } from './messages.js';
