/**
 * Time, timers, turns and randomness: the real scheduler on the event loop, the virtual one from a seed, and the manual one for tests. All code in
 * `src/` uses them through a Scheduler that it is given. Nothing here knows actors, links or what a turn does.
 */
export { ManualScheduler } from './manual-scheduler.js';
export { type Entropy, systemEntropy } from './entropy.js';
export { type RandomStream, randomStream } from './random-stream.js';
export {
  type EventLoopLoad,
  type EventLoopTime,
  type EventLoopWatch,
  eventLoopTime,
  unloaded,
  watchEventLoop,
} from './event-loop.js';
export { pause, settledWithin } from './pause.js';
export { RealScheduler } from './real-scheduler.js';
export type { RealSchedulerOptions } from './real-scheduler.js';
export type { Scheduler, Timer } from './scheduler.js';
export type { UndeclaredWork } from './undeclared-work.js';
export { VirtualScheduler } from './virtual-scheduler.js';
export type { VirtualSchedulerOptions } from './virtual-scheduler.js';
