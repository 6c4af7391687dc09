import type { MillraceError } from '../../errors.js';
import { namedMessageOf } from '../../foreign.js';
import type { Logger } from '../../logging/index.js';
import { v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { ControlPlaneClient, ControlPlaneListener } from '../control-plane/index.js';
import type { ActorSystem } from '../kernel/index.js';
import type { Partitions } from './partitions.js';
import type { PipelineRuns } from './pipeline-runs.js';
import { PipelinesManager } from './pipelines-manager.js';
import { SegmentFollower } from './segment-follower.js';

export interface NewsOptions {
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly partitions: Partitions;
  readonly runs: PipelineRuns;
  /** The runtime is ending: the loss of the control plane is ignored. */
  readonly isEnding: () => boolean;
}

/** Passes the updates of the control plane to the parts of a runtime that they concern. */
export class ControlPlaneNews implements ControlPlaneListener {
  readonly lostListeners: ((error: MillraceError) => void)[] = [];
  readonly #options: NewsOptions;
  readonly #follower: SegmentFollower;
  #pipelines: PipelinesManager | undefined;

  constructor(options: NewsOptions) {
    this.#options = options;
    this.#follower = new SegmentFollower(options);
  }

  /** The manager of all pipelines, where this runtime serves the control plane. */
  managePipelines(system: ActorSystem, client: ControlPlaneClient): ReturnType<PipelinesManager['behavior']> {
    const { partitions } = this.#options;
    this.#pipelines = new PipelinesManager(
      system,
      () => client,
      (partition) => partitions.isSilent(partition),
    );
    return this.#pipelines.behavior();
  }

  changed(resource: v1.Resource): void {
    const { partitions, runs } = this.#options;
    const { detail } = resource;
    if (detail.case === 'segment') {
      const ref = partitions.segmentsManager(detail.value.partition);
      if (ref !== undefined) {
        const manager = partitions.first.system.reference(v1.SegmentsManager, ref);
        this.#follower.follow(manager, resource, detail.value);
      }
    }
    this.#pipelines?.changed(resource);
    runs.changed(resource);
  }

  removed(id: number): void {
    this.#follower.forget(id);
    this.#pipelines?.removed(id);
    this.#options.runs.removed(id);
  }

  progress(progress: v1.SegmentProgress): void {
    this.#options.runs.onProgress(progress);
  }

  /** The control plane is unreachable: the segments here do not belong to any pipeline any more. */
  lost(error: MillraceError): void {
    const { isEnding, log, partitions, runs } = this.#options;
    if (isEnding()) {
      return;
    }
    log.error('the control plane is lost', { error: error.message });
    runs.lost(error);
    partitions
      .stopSegments()
      .catch((failure: unknown) => log.warn('segments did not stop', { error: namedMessageOf(failure) }));
    for (const listener of this.lostListeners) {
      listener(error);
    }
  }
}
