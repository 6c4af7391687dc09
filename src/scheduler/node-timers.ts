/**
 * The timers and the clock of Node, taken when Millrace is loaded: fake timers of test frameworks replace the globals and the properties of
 * `node:timers` later, and a scheduler that ran on them would stand still.
 */
import { performance } from 'node:perf_hooks';
import * as timers from 'node:timers';

export const { clearImmediate, clearTimeout, setImmediate, setTimeout } = timers;
export const queueMicrotask = globalThis.queueMicrotask;
/** Time in ms since the thread began. */
export const nowMs: () => number = performance.now.bind(performance);
