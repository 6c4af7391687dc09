import type { Scheduler } from '#src/scheduler/index.js';
import type { Transport } from '#src/transport/index.js';

/** What the suite needs to put one transport to the test. Made anew for each test. */
export interface TransportFixture {
  readonly scheduler: Scheduler;
  /** Stale buffers are overwritten, so that use after `send` and after `frame` shows. */
  readonly isPoisoning: boolean;
  /** A transport for one more process. The suite closes it. */
  create(): Promise<Transport>;
  /** An address where nothing listens, and which says so. */
  refusedAddress(): Promise<string>;
  /** An address from which no answer comes at all. */
  silentAddress(): Promise<string>;
  /** Ends the process of `transport` as kill -9 does. */
  kill(transport: Transport): Promise<void>;
  /** Counts of whatever the transports hold by now; the suite waits for all to become 0 once they are closed. */
  leftovers(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

export type MakeFixture = () => Promise<TransportFixture>;
