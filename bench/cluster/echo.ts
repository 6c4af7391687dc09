// The echo actor of this suite, as a component: the partition where it is placed imports this module.
import { behavior, component } from 'millrace';
import { Bench } from '../gen/bench.js';

export const echo = component('echo', import.meta.url, Bench, () =>
  behavior(Bench, { note: () => undefined, pass: () => undefined, echo: (_, { value }) => ({ value }) }),
);
