import type { TransmitBuffers } from './buffers.js';
import type { Clock } from './clock.js';
import type { Chance } from './faults.js';
import type { Trace } from './trace.js';

/** What all parts of one network share. */
export interface Environment {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly trace: Trace;
  readonly buffers: TransmitBuffers;
  /** Silence after which a cut link is dead. */
  readonly linkDeadMs: number;
}
