/**
 * What the contexts of actors reach of the cluster: places, names and groups. In the first partition of a process the contexts use what the
 * Runtime uses; in its other partitions they send requests to the actor of `contextCalls` in the first. Nothing here places an actor itself.
 */
export { surroundProcess } from './process-cluster.js';
export { RemoteCluster } from './remote-cluster.js';
export { ActorSurroundings } from './actor-surroundings.js';
