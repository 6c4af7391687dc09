/**
 * The control plane: a server that knows every process, name, pipeline and segment, and a client in each process. They speak over
 * links only, also when they share a thread. Nothing here starts or stops a segment: it says what is wanted, the owners do it.
 */
export { askAgain } from './ask-again.js';
export { type ConnectingProcess, ControlPlaneClient, type ControlPlaneListener } from './client.js';
export { definitionHash } from './definition-hash.js';
export { CANCELLED, failed, failureOf, GIVEN_UP, nameOf, OK, State } from './life-cycle.js';
export { type Diff, ReplicaMirror, ReplicaSource } from './replica.js';
export { controlPlaneServer } from './server.js';
