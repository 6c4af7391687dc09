import type { AcceptedOptions } from '../../../options/index.js';

/**
 * Where a request may be handled. `local`: in containers of this node. `network`: also in those of other nodes. `any` (default): also in other networks, by
 * gateways.
 */
export type Reach = 'local' | 'network' | 'any';

/** What a request tolerates. */
export interface Tolerance {
  /**
   * Time in ms that the request may wait for a container that runs already. After it, it asks for more capacity: another container, another process, another
   * node. It fails with CapacityError where there is none. Without it, the request waits for as long as its `timeoutMs`.
   */
  readonly within?: number | undefined;
  readonly only?: Reach | undefined;
}

const REACHES: readonly unknown[] = ['local', 'network', 'any'] satisfies Reach[];

/** What a request may say of it. */
export const TOLERANCE: AcceptedOptions = {
  within: {
    what: 'a number of milliseconds from 0',
    is: (value) => typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY,
  },
  only: { what: REACHES.join(', '), is: (value) => REACHES.includes(value) },
};
