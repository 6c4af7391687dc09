import { component } from '#src/actors/runtime/index.js';
import { errandRunner, Errands } from '../errand-runner.js';

/** A module whose import never ends. */
export const never = component('never', import.meta.url, Errands, () => errandRunner());

await new Promise(() => {});
