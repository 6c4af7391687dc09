import { component, Runtime } from '#src/index.js';
import { errandRunner, Errands } from '../errand-runner.js';

/** A component of the main module of a program, which waits for its place before it has been evaluated. */
export const doubler = component('doubler', import.meta.url, Errands, () =>
  errandRunner({ run: (_state, { value }) => ({ value: 2 * value }) }),
);

const runtime = await Runtime.start({ partitions: 2, placement: 'inline', logLevel: 'error' });
const [, second = 0] = runtime.ordinals;
const ref = await runtime.place(doubler, { on: { partition: second }, timeoutMs: 30_000 });
console.log((await ref.run({ value: 21 })).value);
await runtime.stop();
