/**
 * Time, timers, turns and chance: the real scheduler on the event loop, the virtual one from a seed, the manual one by hand. Everything in `src/`
 * reaches them through a Scheduler that it was given; nothing here knows actors, links or what a turn does.
 */
export { atExit } from './at-exit.js';
export { ManualScheduler } from './manual-scheduler.js';
export { type Entropy, systemEntropy } from './entropy.js';
export { type RandomStream, randomStream } from './random-stream.js';
export { type EventLoopLoad, type EventLoopWatch, unloaded, watchEventLoop } from './event-loop.js';
export { RealScheduler } from './real-scheduler.js';
export type { RealSchedulerOptions } from './real-scheduler.js';
export type { Scheduler, Timer } from './scheduler.js';
export type { UndeclaredWork } from './undeclared-work.js';
export { VirtualScheduler } from './virtual-scheduler.js';
export type { VirtualSchedulerOptions } from './virtual-scheduler.js';
