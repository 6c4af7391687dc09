/** The processes of the cluster, and their parts. */
export const NODES: readonly string[] = ['one', 'two', 'three', 'four'];
/** Places the actors of which one has the name `bank`. */
export const PLACER = 'one';
/** Where they run. */
export const HOSTS: readonly string[] = ['two', 'three'];
/** Who runs the pipelines. */
export const RUNNERS = { parcels: 'three', letters: 'four' };
/** Elements of a run. */
export const ELEMENTS = 100;
