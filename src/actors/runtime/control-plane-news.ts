import type { MillraceError } from '../../errors.js';
import { namedMessageOf } from '../../foreign.js';
import type { Logger } from '../../logging/index.js';
import { v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { ControlPlaneListener } from '../control-plane/index.js';
import type { Groups } from './groups/index.js';
import type { Partitions } from './partitions.js';
import type { PipelineRuns } from './pipeline-runs.js';
import type { PipelinesManager } from './pipelines-manager.js';
import { SegmentFollower } from './segment-follower.js';

export interface NewsOptions {
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly partitions: Partitions;
  readonly runs: PipelineRuns;
  readonly groups: Groups;
  /** The runtime is ending: the loss of the control plane is ignored. */
  readonly isEnding: () => boolean;
}

/** Passes the updates of the control plane to the parts of a runtime that they concern. */
export class ControlPlaneNews implements ControlPlaneListener {
  /** Set where this runtime runs the control plane server. */
  pipelines: PipelinesManager | undefined;
  readonly lostListeners: ((error: MillraceError) => void)[] = [];
  readonly #options: NewsOptions;
  readonly #follower: SegmentFollower;

  constructor(options: NewsOptions) {
    this.#options = options;
    this.#follower = new SegmentFollower(options);
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
    this.#options.groups.changed(resource);
    this.pipelines?.changed(resource);
    runs.changed(resource);
  }

  removed(id: number): void {
    this.#follower.forget(id);
    this.pipelines?.removed(id);
    this.#options.groups.removed(id);
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
