/**
 * Actors that are placed: components, the spawner of each partition, and the placements of each process. A Runtime places actors by requests
 * to spawners, in its own partitions too. Nothing here may start an actor in another way, or know of pipelines.
 */
export { isComponent } from './component.js';
export { type Component, type ComponentOptions, component } from './component.js';
export { Components, type MainComponents } from './components.js';
export { HeldByHost } from './held-by-host.js';
export { type Making, makingOf } from './made-behaviors.js';
export { type Placing, placeBy } from './place.js';
export type { PlacedComponent } from './order.js';
export { checkOn, PLACE_ON } from './place-options.js';
export { Placements } from './placements.js';
export { placingAborted } from './place-deadline.js';
export { Spawner } from './spawner.js';
export type { OwnPartition, Whereabouts } from './where.js';
