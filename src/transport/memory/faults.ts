import { ConfigError } from '../../errors.js';
import type { Scheduler } from '../../scheduler/index.js';

/** Faults of the links between two processes. */
export interface Faults {
  /** Latency of every frame, in ms. Default 0: it arrives in the next turn. */
  readonly latencyMs: number;
  /** Most additional latency, uniformly distributed, in ms. Default 0. */
  readonly jitterMs: number;
  /** Probability that a frame is lost, 0 to 1. Default 0. */
  readonly loss: number;
  /** Probability that a frame arrives twice, 0 to 1. Default 0. */
  readonly duplicate: number;
  /** Probability that a frame overtakes the frame before it on its link and lane, 0 to 1. Default 0. */
  readonly reorder: number;
}

const noFaults: Faults = { latencyMs: 0, jitterMs: 0, loss: 0, duplicate: 0, reorder: 0 };

/** Completes `given` from `base`. Throws ConfigError for a number out of range. */
export function faultsFrom(given: Partial<Faults>, base: Faults = noFaults): Faults {
  return {
    latencyMs: duration('latencyMs', given.latencyMs ?? base.latencyMs),
    jitterMs: duration('jitterMs', given.jitterMs ?? base.jitterMs),
    loss: chance('loss', given.loss ?? base.loss),
    duplicate: chance('duplicate', given.duplicate ?? base.duplicate),
    reorder: chance('reorder', given.reorder ?? base.reorder),
  };
}

/** True if frames arrive once and in order. */
export function isReliable(faults: Faults): boolean {
  return faults.loss === 0 && faults.duplicate === 0 && faults.reorder === 0;
}

/** A duration in ms. Throws ConfigError unless it is a finite number from 0. */
export function duration(name: string, value: number): number {
  if (Number.isFinite(value) && value >= 0) return value;
  throw new ConfigError(
    `Option ${name} of the pseudo-network is ${value}: it must be a finite number of ms, 0 or more.`,
  );
}

function chance(name: string, value: number): number {
  if (value >= 0 && value <= 1) return value;
  throw new ConfigError(`Option ${name} of the pseudo-network is ${value}: it must be a probability from 0 to 1.`);
}

/** Draws the faults of each frame. Every kind of fault has its own random stream, so enabling one does not change the draws of another. */
export class Chance {
  readonly #latency: () => number;
  readonly #loss: () => number;
  readonly #duplicate: () => number;
  readonly #reorder: () => number;
  readonly #resend: () => number;
  /** True: every frame arrives once and in order. Latencies are still drawn. */
  isCalm = false;

  constructor(scheduler: Scheduler) {
    this.#latency = scheduler.fork('network/latency');
    this.#loss = scheduler.fork('network/loss');
    this.#duplicate = scheduler.fork('network/duplicate');
    this.#reorder = scheduler.fork('network/reorder');
    this.#resend = scheduler.fork('network/resend');
  }

  /** Time after a cut of `cutMs` until frames from before it are sent again: pauses between attempts grow with the cut. */
  resendMs(cutMs: number): number {
    return this.#resend() * cutMs;
  }

  latencyMs(faults: Faults): number {
    return faults.jitterMs === 0 ? faults.latencyMs : faults.latencyMs + this.#latency() * faults.jitterMs;
  }

  isLost(faults: Faults): boolean {
    return !this.isCalm && faults.loss > 0 && this.#loss() < faults.loss;
  }

  isDuplicated(faults: Faults): boolean {
    return !this.isCalm && faults.duplicate > 0 && this.#duplicate() < faults.duplicate;
  }

  overtakes(faults: Faults): boolean {
    return !this.isCalm && faults.reorder > 0 && this.#reorder() < faults.reorder;
  }
}
