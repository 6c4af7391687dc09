import { ConfigError } from '../../errors.js';
import type { Scheduler } from '../../scheduler/index.js';

/** How frames fare between two processes. */
export interface Faults {
  /** Time that every frame takes, in ms. Default 0: it arrives in the next turn. */
  readonly latencyMs: number;
  /** Up to so much more, evenly distributed, in ms. Default 0. */
  readonly jitterMs: number;
  /** Chance of a frame to be lost, 0 to 1. Default 0. */
  readonly loss: number;
  /** Chance of a frame to arrive twice, 0 to 1. Default 0. */
  readonly duplicate: number;
  /** Chance of a frame to overtake the one sent before it on its link and lane, 0 to 1. Default 0. */
  readonly reorder: number;
}

const noFaults: Faults = { latencyMs: 0, jitterMs: 0, loss: 0, duplicate: 0, reorder: 0 };

/** `given` over `base`. Throws ConfigError for a number that makes no sense. */
export function faultsFrom(given: Partial<Faults>, base: Faults = noFaults): Faults {
  return {
    latencyMs: duration('latencyMs', given.latencyMs ?? base.latencyMs),
    jitterMs: duration('jitterMs', given.jitterMs ?? base.jitterMs),
    loss: chance('loss', given.loss ?? base.loss),
    duplicate: chance('duplicate', given.duplicate ?? base.duplicate),
    reorder: chance('reorder', given.reorder ?? base.reorder),
  };
}

/** Whether frames arrive once and in order. */
export function isReliable(faults: Faults): boolean {
  return faults.loss === 0 && faults.duplicate === 0 && faults.reorder === 0;
}

/** A duration in ms. Throws ConfigError unless it is a finite number from 0. */
export function duration(name: string, value: number): number {
  if (Number.isFinite(value) && value >= 0) return value;
  throw new ConfigError(`Option ${name} of the pseudo-network is ${value}: it takes a number of ms from 0.`);
}

function chance(name: string, value: number): number {
  if (value >= 0 && value <= 1) return value;
  throw new ConfigError(`Option ${name} of the pseudo-network is ${value}: it takes a chance from 0 to 1.`);
}

/** Draws what happens to each frame. Every fault has a stream of its own, so that turning one on leaves the others alike. */
export class Chance {
  readonly #latency: () => number;
  readonly #loss: () => number;
  readonly #duplicate: () => number;
  readonly #reorder: () => number;
  /** From now on every frame arrives, once and in order; how long each takes stays as it is. */
  isCalm = false;

  constructor(scheduler: Scheduler) {
    this.#latency = scheduler.fork('network/latency');
    this.#loss = scheduler.fork('network/loss');
    this.#duplicate = scheduler.fork('network/duplicate');
    this.#reorder = scheduler.fork('network/reorder');
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
