import { isMainThread } from 'node:worker_threads';
import { component } from '#src/actors/runtime/index.js';
import { ProtocolError } from '#src/errors.js';
import { Row } from '../row.js';
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
    push: () => {
      for (;;);
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

export const changed = component('changed', import.meta.url, Errands, () => errandRunner(), { version: place });

export const lost = component('lost', new URL('./not-there.js', import.meta.url).href, Errands, () => errandRunner());

export const never = component('never', new URL('./never.js', import.meta.url).href, Errands, () => errandRunner());

export const other = component('other', new URL('./other.js', import.meta.url).href, Errands, () => errandRunner());

export const nowhere = component('nowhere', undefined, Errands, () => errandRunner());
