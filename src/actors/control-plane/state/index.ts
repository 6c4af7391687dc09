/**
 * What the control plane knows, as an immutable value, and `apply`, the only function that makes the next one. The server calls it with each
 * message that changes something. Nothing here may use an actor, a link, a clock or a random number: a log of events that is applied again gives
 * an equal state.
 */
export {
  type Answer,
  type Applied,
  apply,
  assertNotDeposed,
  type Content,
  DEPOSED,
  type Effect,
  type EventKind,
  required,
} from './apply.js';
export { type ControlPlaneOptions, type ControlPlaneState, initialState } from './control-plane-state.js';
export { definitionHash, messageHash } from './definition-hash.js';
export { Draft, spawnerHostName, spawnerName } from './draft.js';
export { acceptActual, CANCELLED, failed, failureOf, GIVEN_UP, nameOf, OK, State } from './life-cycle.js';
export { FENCED } from './members.js';
export { assertNameLength } from './names.js';
export { nextAttempt } from './pipeline-outcomes.js';
export type { ProcessEntry } from './processes.js';
