import { isMainThread } from 'node:worker_threads';
import { component } from '#src/actors/runtime/index.js';
import { ProtocolError } from '#src/errors.js';
import { blockForEver } from '../../../support/block.js';
import { Row } from '../row.js';
import { pause } from '#src/scheduler/index.js';
import { errandRunner, Errands } from '../errand-runner.js';

/** Where this module runs: the components here may differ between the test and other threads and processes. */
const place = isMainThread && process.argv[1]?.endsWith('program.js') !== true ? 'test' : 'elsewhere';

export interface AdderArgs {
  readonly start: number;
}

/** Ends the thread or process that it is handled in. */
const END = 666;

/** Adds the values that it is told to `start`; an ask is answered with the sum and its own. Value 13 fails it. */
export const adder = component('adder', import.meta.url, Errands, ({ start = 0 }: Partial<AdderArgs>) =>
  errandRunner({
    supervision: { onFailure: 'stop' },
    state: () => ({ sum: start }),
    push: (state, { value }) => {
      if (value === 13) throw new RangeError('13 is refused');
      if (value === END) process.exit(3);
      state.sum += value;
    },
    run: (state, { value }) => ({ value: state.sum + value }),
    rush: () => ({ value: process.pid }),
  }),
);

export const lasting = component(
  'lasting',
  import.meta.url,
  Errands,
  () =>
    errandRunner({
      push: (_state, { value }) => {
        if (value === END) process.exit(3);
      },
      rush: () => ({ value: process.pid }),
    }),
  { onFailure: 'restart' },
);

/** Tells an actor of its partition that has stopped by then. */
export const careless = component('careless', import.meta.url, Errands, () =>
  errandRunner({
    run: (_state, { value }, context) => {
      const child = context.spawn(errandRunner({ push: (_none, _first, its) => its.stop() }));
      // The second one is for nobody.
      child.push({ value });
      child.push({ value });
      return {};
    },
  }),
);

/** Blocks its event loop when it is told anything. */
export const blocking = component('blocking', import.meta.url, Errands, () =>
  errandRunner({
    push: blockForEver,
  }),
);

/** Blocks its event loop when it is made. */
export const unfinished = component('unfinished', import.meta.url, Errands, blockForEver);

/** Blocks its event loop for as many milliseconds as it is told. */
export const sleepy = component('sleepy', import.meta.url, Errands, () =>
  errandRunner({
    push: (_state, { value }) => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, value);
    },
  }),
);

/** Never ends what it is told. */
export const patient = component('patient', import.meta.url, Errands, () =>
  errandRunner({ push: () => new Promise(() => {}) }),
);

/** Takes a message as its arguments. */
export const keyed = component(
  'keyed',
  import.meta.url,
  Errands,
  ({ id, key }) => errandRunner({ run: () => ({ value: id + key.length }) }),
  { args: Row },
);

/** Its arguments cannot be decoded. */
export const garbled = component('garbled', import.meta.url, Errands, () => errandRunner(), {
  args: {
    ...Row,
    read: () => {
      throw new ProtocolError('A row ends in the middle of a field.');
    },
  },
});

export const thrower = component('thrower', import.meta.url, Errands, () => {
  throw Object.assign(new RangeError('no such device'), { code: 'ENODEV' });
});

/** Its state cannot be created. */
export const stateless = component('stateless', import.meta.url, Errands, () =>
  errandRunner({
    state: () => {
      throw Object.assign(new RangeError('no such table'), { code: 'ENOTABLE' });
    },
  }),
);

/** It cannot start. */
export const unstarted = component('unstarted', import.meta.url, Errands, () =>
  errandRunner({
    on: {
      started: async (_state, { scheduler }) => {
        await pause(scheduler, 1);
        throw Object.assign(new RangeError('no such table'), { code: 'ENOTABLE' });
      },
    },
  }),
);

export const changed = component('changed', import.meta.url, Errands, () => errandRunner(), { version: place });

export const lost = component('lost', new URL('./not-there.js', import.meta.url).href, Errands, () => errandRunner());

/** What a peer sends as the URL of its module may be code. */
export const sent = component('sent', 'data:text/javascript,export default 1', Errands, () => errandRunner());

export const never = component('never', new URL('./never.js', import.meta.url).href, Errands, () => errandRunner());

export const other = component('other', new URL('./other.js', import.meta.url).href, Errands, () => errandRunner());

export const nowhere = component('nowhere', undefined, Errands, () => errandRunner());
