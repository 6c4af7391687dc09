import { component } from '#src/actors/runtime/index.js';
import { Depot } from '../../transport/errands.js';
import { depot } from '../../transport/partitions.js';

/** A Depot in whichever partition it is placed. */
export const placedDepot = component('depot', import.meta.url, Depot, () => depot());
