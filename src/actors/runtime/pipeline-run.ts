import { Deferred } from '../../deferred.js';
import { HandlerError, type MillraceError, PipelineError, StoppedError } from '../../errors.js';
import { thrownError } from './thrown-record.js';
import type { v1 } from '../../protocol/index.js';
import { type ControlPlaneClient, failureOf, State } from '../control-plane/index.js';

/** The progress of one segment: the total of its instances. */
export interface SegmentProgress {
  readonly segment: string;
  readonly instances: number;
  readonly read: number;
  readonly written: number;
  readonly queued: number;
  readonly done: number;
}

/** A run of a pipeline. */
export interface PipelineRun {
  readonly name: string;
  /** Resolves when the run has ended. Rejects with PipelineError, which names segment, partition and cause, or with StoppedError after `stop`. */
  readonly done: Promise<void>;
  /** Number of restarts. */
  readonly restarts: number;
  /** The segments in the order of their first reports; they report about five times a second. */
  progress(): readonly SegmentProgress[];
  /** Ids of the present attempt's segment instances, by segment name: for `drainInstance`. */
  instances(segment: string): readonly number[];
  /** Starts another instance of a segment, in the partition of its first one; resolves to its id. Rejects when the segment is ending. */
  addInstance(segment: string): Promise<number>;
  /** Removes an instance, which finishes its elements. Rejects when it is the last reader of its port, or reads from none. */
  drainInstance(id: number): Promise<void>;
  /** Stops the run; `done` rejects with StoppedError. Idempotent. */
  stop(): Promise<void>;
}

/** Follows one pipeline through its attempts by the control plane's updates. */
export class FollowedPipeline implements PipelineRun {
  readonly name: string;
  readonly done: Promise<void>;
  restarts = 0;
  readonly #client: ControlPlaneClient;
  readonly #news = new Map<number, v1.SegmentProgress>();
  readonly #segments = new Map<number, string>();
  /** Errors of the segments of the present attempt that ran in this process. */
  readonly #thrown = new Map<number, Error>();
  #id: number;
  #isSettled = false;
  readonly #done = new Deferred<void>();

  constructor(client: ControlPlaneClient, id: number, name: string) {
    this.#client = client;
    this.#id = id;
    this.name = name;
    this.done = this.#done.promise;
    const settled = (): void => {
      this.#isSettled = true;
    };
    this.done.then(settled, settled);
  }

  get id(): number {
    return this.#id;
  }

  progress(): readonly SegmentProgress[] {
    const bySegment = new Map<string, SegmentProgress>();
    for (const { name, read, written, queued, isDone } of this.#news.values()) {
      const sum = bySegment.get(name) ?? { segment: name, instances: 0, read: 0, written: 0, queued: 0, done: 0 };
      bySegment.set(name, {
        segment: name,
        instances: sum.instances + 1,
        read: sum.read + read,
        written: sum.written + written,
        queued: sum.queued + queued,
        done: sum.done + (isDone ? 1 : 0),
      });
    }
    return [...bySegment.values()];
  }

  instances(segment: string): readonly number[] {
    return [...this.#segments].filter(([, name]) => name === segment).map(([id]) => id);
  }

  addInstance(segment: string): Promise<number> {
    return this.#client.addInstance(this.#id, segment);
  }

  drainInstance(id: number): Promise<void> {
    return this.#client.drainSegment(id);
  }

  async stop(): Promise<void> {
    if (this.#isSettled) {
      return;
    }
    await this.#client.stopPipeline(this.#id);
    await this.done.catch(() => {});
  }

  // ---- updates of the control plane

  changed(resource: v1.Resource): void {
    const { detail, id, actual, outcome } = resource;
    if (detail.case === 'segment' && detail.value.pipeline === this.#id) {
      this.#segments.set(id, detail.value.name);
    } else if (detail.case === 'pipeline' && id === this.#id && actual === State.DESTROYED) {
      this.#ended(outcome, detail.value.restartedBy);
    }
  }

  removed(id: number): void {
    this.#segments.delete(id);
  }

  onProgress(progress: v1.SegmentProgress): void {
    if (progress.pipeline === this.#id) {
      this.#news.set(progress.segment, progress);
    }
  }

  threw(pipeline: number, segment: number, error: Error): void {
    if (pipeline === this.#id) {
      this.#thrown.set(segment, error);
    }
  }

  lost(error: MillraceError): void {
    this.#done.reject(error);
  }

  #ended(outcome: v1.Outcome | undefined, restartedBy: number | undefined): void {
    const failure = failureOf(outcome);
    if (restartedBy !== undefined) {
      this.#id = restartedBy;
      this.restarts++;
      this.#news.clear();
      this.#segments.clear();
      this.#thrown.clear();
    } else if (failure !== undefined) {
      const message = `Pipeline "${this.name}" failed: ${withoutFullStop(failure.message)}.`;
      this.#done.reject(new PipelineError(message, { cause: this.#causeOf(failure) }));
    } else if (outcome?.result.case === 'cancelled') {
      this.#done.reject(new StoppedError(`Pipeline "${this.name}" was stopped.`));
    } else {
      this.#done.resolve();
    }
  }

  /** What the segment threw: the very error where it ran in this process, one like it where it ran elsewhere. */
  #causeOf({ segmentId, cause, message, code }: v1.Failure): Error {
    const thrown = segmentId === undefined ? undefined : this.#thrown.get(segmentId);
    if (thrown !== undefined) {
      return thrown;
    }
    return cause === undefined ? new HandlerError(message, { handlerCode: code }) : thrownError(cause);
  }
}

/** Removes the full stop of a cause that becomes the end of another sentence. */
function withoutFullStop(sentence: string): string {
  return sentence.endsWith('.') ? sentence.slice(0, -1) : sentence;
}
