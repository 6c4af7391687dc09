import {
  type EventLoopLoad,
  type EventLoopWatch,
  type Scheduler,
  unloaded,
  watchEventLoop,
} from '../../scheduler/index.js';
import { type Health, type HealthInput, healthOf } from './health.js';
import { type RuntimeMetrics, runtimeMetrics } from './metrics.js';
import type { Partitions } from './partitions.js';
import type { PipelineRuns } from './pipeline-runs.js';

/** Answers how a runtime is and what it has done. The event loop is watched from the first question on, so that nobody pays who never asks. */
export class Observer {
  readonly #scheduler: Scheduler;
  readonly #partitions: Partitions;
  readonly #runs: PipelineRuns;
  #watch: EventLoopWatch | undefined;
  #last: EventLoopLoad | undefined;

  constructor(scheduler: Scheduler, partitions: Partitions, runs: PipelineRuns) {
    this.#scheduler = scheduler;
    this.#partitions = partitions;
    this.#runs = runs;
  }

  metrics(): RuntimeMetrics {
    return runtimeMetrics(this.#partitions.views(), this.#runs.counts(), this.#load());
  }

  health(phase: HealthInput['phase'], controlPlane: HealthInput['controlPlane'], names: readonly string[]): Health {
    return healthOf({
      phase,
      controlPlane,
      partitions: this.#partitions.views(),
      missing: this.#partitions.missing(),
      names,
      eventLoop: this.#load(),
    });
  }

  /** Later questions get the load of this moment. */
  close(): void {
    this.#last ??= this.#watch?.load();
    this.#watch?.close();
    this.#watch = unloaded;
  }

  #load(): EventLoopLoad {
    if (this.#last !== undefined) {
      return this.#last;
    }
    this.#watch ??= watchEventLoop(this.#scheduler);
    return this.#watch.load();
  }
}
