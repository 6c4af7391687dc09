/**
 * What one member knows of its network, as an immutable value, and `apply`, the only function that makes the next one. Nothing here may use an actor, a
 * link, a clock or a random number.
 */
export { apply, type Applied, type NetworkEvent } from './apply.js';
export { type Effect, ENVELOPE_BYTES, isAlive } from './draft.js';
export {
  type Budget,
  type Counts,
  descriptionsOf,
  initialNetwork,
  type Member,
  type NetworkOptions,
  type NetworkState,
  Status,
  tableOf,
} from './network-state.js';
export { placesOf } from './places.js';
export { answerMs } from './timing.js';
