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

/** Computes the metrics and the health of a runtime. Starts to watch the event loop on first use; most runtimes never need it. */
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
    return runtimeMetrics(this.#partitions.views(), {
      pipelines: this.#runs.counts(),
      values: this.#partitions.values(),
      eventLoop: this.#load(),
    });
  }

  /** `starts`: the event loop is watched from now on. Otherwise what is known of it is taken, where it is watched already. */
  health(input: Pick<HealthInput, 'phase' | 'controlPlane' | 'isFenced' | 'own' | 'lost'>, starts = true): Health {
    return healthOf({
      ...input,
      partitions: this.#partitions.views(),
      partitionProblems: this.#partitions.problems(),
      haveHostedFailed: this.#partitions.haveFailedForGood,
      eventLoop: starts ? this.#load() : (this.#last ?? (this.#watch ?? unloaded).load()),
    });
  }

  /** Stops the watch. Later calls get the load of this moment. */
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
