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
import type { RegisteredNames } from './registered-names.js';
import { SegmentFollower } from './segment-follower.js';

export interface NewsOptions {
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly partitions: Partitions;
  readonly runs: PipelineRuns;
  readonly groups: Groups;
  readonly names: Pick<RegisteredNames, 'lost'>;
  /** The runtime is ending: the loss of the control plane is ignored. */
  readonly isEnding: () => boolean;
}

/** Passes the updates of the control plane to the parts of a runtime that they concern. */
export class ControlPlaneNews implements ControlPlaneListener {
  /** Undefined until this process is brought up. */
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
    this.#endOrphan(id);
    this.#follower.forget(id);
    this.pipelines?.removed(id);
    this.#options.groups.removed(id);
    this.#options.runs.removed(id);
  }

  /** The runtime has stopped: nothing is requested of segments any more. */
  close(): void {
    this.#follower.close();
  }

  progress(progress: v1.SegmentProgress): void {
    this.#options.runs.onProgress(progress);
  }

  degraded(error: MillraceError): void {
    if (this.#options.isEnding()) return;
    this.#options.log.warn('the control plane is lost: this process goes on, and takes up the connection when it can', {
      error: error.message,
    });
  }

  rejoined(): void {
    this.#options.log.info('this process has rejoined the control plane');
  }

  nameRefused({ name, ref }: v1.AnnouncedName, why: string): void {
    this.#options.log.error('an actor has lost its name while the control plane could not be reached', {
      name,
      error: why,
    });
    if (ref !== undefined) this.#options.names.lost(name, ref.cUid, why);
  }

  /** This process has lost its place: the segments here do not belong to any pipeline any more. */
  lost(error: MillraceError): void {
    const { isEnding, log, partitions, runs } = this.#options;
    if (isEnding()) {
      return;
    }
    log.error('this process has lost its place in the cluster', { error: error.message });
    runs.lost(error);
    partitions
      .stopSegments()
      .catch((failure: unknown) => log.warn('segments did not stop', { error: namedMessageOf(failure) }));
    for (const listener of this.lostListeners) {
      listener(error);
    }
  }

  /** The control plane has given up a segment that runs here, while this process could not be reached. */
  #endOrphan(id: number): void {
    const partition = this.#follower.partitionOf(id);
    const ref = partition === undefined ? undefined : this.#options.partitions.segmentsManager(partition);
    if (ref !== undefined)
      this.#follower.end(id, this.#options.partitions.first.system.reference(v1.SegmentsManager, ref));
  }
}
