import { ConfigError, type MillraceError, StoppedError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { v1 } from '../../protocol/index.js';
import type { ControlPlaneClient } from '../control-plane/index.js';
import { checkInstances } from './builder.js';
import type { Definitions } from './definitions.js';
import type { Pipeline } from './pipeline.js';
import { FollowedPipeline, type PipelineRun, type StopTiming } from './pipeline-run.js';

export interface RunOptions<Args> {
  readonly args?: Args;
  /** Instances of a segment, where they differ from the declaration. */
  readonly instances?: Readonly<Record<string, number>>;
  /** Ordinals of the partitions that a segment may run in. */
  readonly partitions?: Readonly<Record<string, readonly number[]>>;
}

export interface PipelineCounts {
  readonly running: number;
  /** Runs that completed. */
  readonly completed: number;
  readonly failed: number;
  /** Runs that were stopped. */
  readonly stopped: number;
  /** Restarts of runs. */
  readonly restarts: number;
}

/** The pipelines that this process has started and follows. */
export class PipelineRuns {
  readonly #runs = new Set<FollowedPipeline>();
  readonly #timing: StopTiming;
  readonly #ended = { completed: 0, failed: 0, stopped: 0, restarts: 0 };

  constructor(timing: StopTiming) {
    this.#timing = timing;
  }

  counts(): PipelineCounts {
    const restarts = [...this.#runs].reduce((sum, run) => sum + run.restarts, this.#ended.restarts);
    return { ...this.#ended, running: this.#runs.size, restarts };
  }

  /**
   * Rejects with ConfigError, before anything starts, for an invalid definition or option. `isAlone`: this process has one partition, and serves
   * the control plane. Where no other process has joined, the pipeline cannot run anywhere else.
   */
  async start<Args>(
    client: ControlPlaneClient,
    definitions: Definitions,
    pipeline: Pipeline<Args>,
    options: RunOptions<Args>,
    isAlone: boolean,
  ): Promise<PipelineRun> {
    const { hash, declared } = definitions.add(pipeline, options.args ?? {});
    const mapping = mappingOf(declared.segments, options);
    const isFar = !isAlone || (await client.partitionsForSegments(limits.controlPlaneTimeoutMs)).length > 1;
    if (pipeline.url === undefined && isFar) {
      throw new ConfigError(
        `Pipeline "${pipeline.name}" has no module URL, so it runs in one partition only: declare it with import.meta.url, or __filename in CommonJS.`,
      );
    }
    if (isFar) {
      await definitions.verify(hash, declared);
    }
    const id = await client.startPipeline(declared.definition, mapping);
    const run = new FollowedPipeline(client, this.#timing, id, pipeline.name);
    this.#runs.add(run);
    for (const resource of client.resources()) {
      run.changed(resource);
    }
    run.done.then(
      () => this.#forget(run, 'completed'),
      (error: unknown) => this.#forget(run, error instanceof StoppedError ? 'stopped' : 'failed'),
    );
    void run.done.catch(() => {}).then(() => client.forgetPipeline(id));
    return run;
  }

  #forget(run: FollowedPipeline, end: 'completed' | 'failed' | 'stopped'): void {
    this.#runs.delete(run);
    this.#ended[end]++;
    this.#ended.restarts += run.restarts;
  }

  changed(resource: v1.Resource): void {
    for (const run of this.#runs) {
      run.changed(resource);
    }
  }

  removed(id: number): void {
    for (const run of this.#runs) {
      run.removed(id);
    }
  }

  /** A segment in this process has failed. */
  threw(pipeline: number, segment: number, error: Error): void {
    for (const run of this.#runs) {
      run.threw(pipeline, segment, error);
    }
  }

  onProgress(progress: v1.SegmentProgress): void {
    for (const run of this.#runs) {
      run.onProgress(progress);
    }
  }

  /** The control plane is unreachable: no further updates will arrive. */
  lost(error: MillraceError): void {
    for (const run of this.#runs) {
      run.lost(error);
    }
  }
}

function mappingOf<Args>(
  segments: ReadonlyMap<string, unknown>,
  { instances = {}, partitions = {} }: RunOptions<Args>,
): v1.MappingInit[] {
  const names = new Set([...Object.keys(instances), ...Object.keys(partitions)]);
  return [...names].map((segment) => {
    const count = instances[segment];
    const allowed = partitions[segment] ?? [];
    if (!segments.has(segment)) {
      throw new ConfigError(`The pipeline has no segment "${segment}"; it has ${[...segments.keys()].join(', ')}.`);
    }
    if (count !== undefined) {
      checkInstances(segment, count);
    }
    if (!Array.isArray(allowed) || !allowed.every((ordinal) => Number.isInteger(ordinal) && ordinal >= 0)) {
      throw new ConfigError(`partitions of segment "${segment}" must be a list of ordinals, not ${String(allowed)}.`);
    }
    return { segment, instances: count ?? 0, partitions: allowed };
  });
}
