/**
 * Actors that are placed: components, the spawner of each partition, and the placements of each process. A Runtime places actors by requests
 * to spawners, in its own partitions too. Nothing here may start an actor in another way, or know of pipelines.
 */
export { isComponent } from './component.js';
export { type Component, type ComponentOptions, component } from './component.js';
export { Components, type MainComponents } from './components.js';
export { type Place, placeBy } from './place.js';
export type { PlaceArguments, PlaceOptions, PlaceWith } from './place-options.js';
export { Placements } from './placements.js';
export { Spawner } from './spawner.js';
export type { OwnPartition, PlaceOn, Whereabouts } from './where.js';
