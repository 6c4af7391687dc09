import type { BufferPool } from '../buffer-pool.js';
import type { Clock } from './clock.js';
import type { Chance } from './faults.js';
import type { Trace } from './trace.js';

/** What all parts of one pseudo-network share. */
export interface Environment {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly trace: Trace;
  readonly buffers: BufferPool;
  /** A link that is cut for this long ends as lost. */
  readonly linkDeadMs: number;
}
