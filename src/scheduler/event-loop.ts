import { type IntervalHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { nowMs } from './node-timers.js';

/** How busy an event loop is. Zero throughout on virtual time, which nothing delays. */
export interface EventLoopLoad {
  /** Part of the time, 0 to 1, that the loop was not waiting for events. */
  readonly utilization: number;
  /** Time since the thread began that the loop spent working, in ms. */
  readonly activeMs: number;
  /** Time since the thread began that the loop spent waiting, in ms. */
  readonly idleMs: number;
  /** Delay of turns that were due, in ms. A blocked loop has a high delay. */
  readonly delayMs: { readonly mean: number; readonly p99: number; readonly max: number };
}

/** What an event loop has done since its thread began, in ms. The utilization is that of the difference of two. */
export type EventLoopTime = Pick<EventLoopLoad, 'activeMs' | 'idleMs'>;

/** Of the event loop of this thread; zero on virtual time. Costs nothing between two calls. */
export function eventLoopTime({ isVirtual }: { readonly isVirtual: boolean }): EventLoopTime {
  if (isVirtual) return { activeMs: 0, idleMs: 0 };
  const { active: activeMs, idle: idleMs } = performance.eventLoopUtilization();
  return { activeMs, idleMs };
}

/** Watches an event loop. */
export interface EventLoopWatch {
  /** Over the last 10 to 20 s, or since the last call where that is longer ago. */
  load(): EventLoopLoad;
  /** Ends the measurement. Idempotent. */
  close(): void;
}

const NO_LOAD: EventLoopLoad = { utilization: 0, activeMs: 0, idleMs: 0, delayMs: { mean: 0, p99: 0, max: 0 } };

/** The load of a loop on virtual time, and of one that has ended. */
export const unloaded: EventLoopWatch = { load: () => NO_LOAD, close: () => {} };

/** Measures how busy the event loop of this thread is, from now on. Costs a quarter of a percent of one processor until it is closed. */
export function watchEventLoop(scheduler: { readonly isVirtual: boolean }): EventLoopWatch {
  return scheduler.isVirtual ? unloaded : new RealEventLoopWatch();
}

/** Interval of the samples, in ms. Ten times as many cost four times as much processor time. */
const RESOLUTION_MS = 20;
const WINDOW_MS = 10_000;
const NANOSECONDS = 1e6;

interface Window {
  readonly delays: IntervalHistogram;
  since: ReturnType<typeof performance.eventLoopUtilization>;
}

/**
 * Node's own measurement, which needs no turn of the loop. Two histograms take turns: the one that has run for longer is read, while the
 * other begins anew, so that no moment is in neither (one that was just reset misses its first interval).
 */
class RealEventLoopWatch implements EventLoopWatch {
  #read = newWindow();
  #next = newWindow();
  #turnedAtMs = nowMs();

  load(): EventLoopLoad {
    const atMs = nowMs();
    if (atMs - this.#turnedAtMs >= WINDOW_MS) {
      this.#turnedAtMs = atMs;
      [this.#read, this.#next] = [this.#next, this.#read];
      this.#next.delays.reset();
      this.#next.since = performance.eventLoopUtilization();
    }
    const { delays, since } = this.#read;
    const { active: activeMs, idle: idleMs } = performance.eventLoopUtilization();
    return {
      utilization: performance.eventLoopUtilization(since).utilization,
      activeMs,
      idleMs,
      delayMs: { mean: lateMs(delays.mean), p99: lateMs(delays.percentile(99)), max: lateMs(delays.max) },
    };
  }

  close(): void {
    this.#read.delays.disable();
    this.#next.delays.disable();
  }
}

function newWindow(): Window {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  return { delays, since: performance.eventLoopUtilization() };
}

/** Node counts from one look to the next; what passes the interval between them is delay. Nothing was counted yet: 0. */
function lateMs(nanoseconds: number): number {
  const lateMs = nanoseconds / NANOSECONDS - RESOLUTION_MS;
  return lateMs > 0 ? lateMs : 0;
}
