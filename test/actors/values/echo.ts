/** An actor that answers with what it is asked, for other partitions. */
import { component } from '#src/actors/runtime/index.js';
import { Errands } from '../transport/errands.js';
import { errands } from '../transport/partitions.js';

export const echo = component('echo', import.meta.url, Errands, () => errands());
