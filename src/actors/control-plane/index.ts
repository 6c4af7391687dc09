/**
 * The control plane: a server that knows every process, name, pipeline and segment, and a client in each process. The runtime starts
 * both; they communicate over links only, even on the same thread. Nothing here may start or stop a segment: the server requests a
 * state, and the resource's owner acts.
 */
export { isLate, retryAsk } from './retry-ask.js';
export { type Candidate, Election, type Leader, leaderIn, LEADER_KEY, type LeaderLease } from './election.js';
export { ControlPlaneClient } from './client.js';
export type { ConnectingProcess } from './holdings.js';
export { MemberRoll, ROLL_KEY } from './member-roll.js';
export { nobodyRegistered, type OtherClusters } from './other-clusters.js';
export { type Diff, ReplicaMirror, ReplicaSource } from './replica.js';
export { controlPlaneServer } from './server.js';
export type { ControlPlaneListener } from './session.js';
export {
  CANCELLED,
  definitionHash,
  failed,
  failureOf,
  GIVEN_UP,
  messageHash,
  nameOf,
  OK,
  spawnerHostName,
  spawnerName,
  State,
} from './state/index.js';
export { whileHeld } from './while-held.js';
