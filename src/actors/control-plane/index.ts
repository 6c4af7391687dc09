/**
 * The control plane: a server that knows every process, name, pipeline and segment, and a client in each process. The runtime starts
 * both; they communicate over links only, even on the same thread. Nothing here may start or stop a segment: the server requests a
 * state, and the resource's owner acts.
 */
export { retryAsk } from './retry-ask.js';
export { type Candidate, Election, type Leader, leaderIn, LEADER_KEY, type Term } from './election.js';
export { ControlPlaneClient } from './client.js';
export { definitionHash, messageHash } from './definition-hash.js';
export type { ConnectingProcess } from './holdings.js';
export { CANCELLED, failed, failureOf, GIVEN_UP, nameOf, OK, State } from './life-cycle.js';
export { type Diff, ReplicaMirror, ReplicaSource } from './replica.js';
export { controlPlaneServer } from './server.js';
export type { ControlPlaneListener } from './session.js';
export { spawnerName } from './store.js';
export { whileHeld } from './while-held.js';
