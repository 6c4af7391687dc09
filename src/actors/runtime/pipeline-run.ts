import { Deferred } from '../../deferred.js';
import { HandlerError, type MillraceError, PipelineError, StoppedError } from '../../errors.js';
import { thrownError } from './thrown-record.js';
import type { v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
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
  /**
   * Stops the run; `done` rejects with StoppedError. Resolves `stopTimeoutMs` and five seconds later at the latest, with what was given up:
   * code that did not settle, and code that blocked its event loop, whose thread or process was ended where this runtime had started it. Idempotent.
   *
   *     const { givenUp } = await run.stop();
   */
  stop(): Promise<RunStopReport>;
}

export interface RunStopReport {
  /** Segments that did not end by themselves. */
  readonly givenUp: readonly SegmentPlace[];
}

export interface SegmentPlace {
  readonly segment: string;
  readonly instance: number;
  /** Ordinal of its partition. */
  readonly partition: number;
}

export interface StopTiming {
  readonly scheduler: Scheduler;
  /** Time that a run has to end once it is told to stop, in ms. */
  readonly stopTimeoutMs: number;
}

/** Follows one pipeline through its attempts by the control plane's updates. */
export class FollowedPipeline implements PipelineRun {
  readonly name: string;
  readonly done: Promise<void>;
  restarts = 0;
  readonly #client: ControlPlaneClient;
  readonly #news = new Map<number, v1.SegmentProgress>();
  readonly #segments = new Map<number, SegmentPlace>();
  /** Those of the present attempt that have not ended, while it stops. */
  readonly #unended = new Map<number, SegmentPlace>();
  readonly #givenUp = new Map<number, SegmentPlace>();
  readonly #timing: StopTiming;
  #stopped: Promise<RunStopReport> | undefined;
  /** Errors of the segments of the present attempt that ran in this process. */
  readonly #thrown = new Map<number, Error>();
  /** The id with which it was started. */
  readonly #first: number;
  #id: number;
  #isSettled = false;
  readonly #done = new Deferred<void>();

  constructor(client: ControlPlaneClient, timing: StopTiming, id: number, name: string) {
    this.#client = client;
    this.#timing = timing;
    this.#first = id;
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
    return [...this.#segments].filter(([, place]) => place.segment === segment).map(([id]) => id);
  }

  addInstance(segment: string): Promise<number> {
    return this.#client.addInstance(this.#id, segment);
  }

  drainInstance(id: number): Promise<void> {
    return this.#client.drainSegment(id);
  }

  stop(): Promise<RunStopReport> {
    this.#stopped ??= this.#isSettled ? Promise.resolve({ givenUp: [] }) : this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<RunStopReport> {
    const { scheduler, stopTimeoutMs } = this.#timing;
    const timer = scheduler.setTimer(stopTimeoutMs, () => this.#giveUp());
    try {
      await Promise.race([this.#client.stopPipeline(this.#id, this.#first), this.#ended()]);
      await this.#ended();
    } finally {
      scheduler.clearTimer(timer);
    }
    return { givenUp: [...this.#givenUp.values()] };
  }

  #ended(): Promise<void> {
    return this.done.catch(() => {});
  }

  /** The control plane still wants it stopped, and ends what comes back. */
  #giveUp(): void {
    for (const [id, place] of this.#unended) {
      this.#givenUp.set(id, place);
    }
    const waited = `not all of it had ended after ${this.#timing.stopTimeoutMs} ms`;
    this.#done.reject(new StoppedError(`Pipeline "${this.name}" was stopped, and given up: ${waited}.`));
  }

  // ---- updates of the control plane

  changed(resource: v1.Resource): void {
    const { detail, id, actual, outcome } = resource;
    if (detail.case === 'segment' && detail.value.pipeline === this.#id) {
      const { name, instance, partition } = detail.value;
      const place = { segment: name, instance, partition };
      this.#segments.set(id, place);
      this.#follow(id, place, resource);
    } else if (detail.case === 'pipeline' && id === this.#id && actual === State.DESTROYED) {
      this.#over(outcome, detail.value.restartedBy);
    }
  }

  removed(id: number): void {
    // An end that it was told of has settled it before.
    if (id === this.#id) this.#done.reject(new PipelineError(`Pipeline "${this.name}" was given up: ${FORGOTTEN}.`));
    this.#segments.delete(id);
    const lost = this.#unended.get(id);
    this.#unended.delete(id);
    if (lost !== undefined && this.#stopped !== undefined) {
      this.#givenUp.set(id, lost);
    }
  }

  #follow(id: number, place: SegmentPlace, { actual, outcome }: v1.Resource): void {
    if (actual < State.CREATED || actual >= State.COMPLETED) {
      this.#unended.delete(id);
    } else {
      this.#unended.set(id, place);
    }
    if (outcome?.givenUp === true && this.#stopped !== undefined) {
      this.#givenUp.set(id, place);
    }
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

  #over(outcome: v1.Outcome | undefined, restartedBy: number | undefined): void {
    const failure = failureOf(outcome);
    if (restartedBy !== undefined) {
      this.#id = restartedBy;
      this.restarts++;
      this.#news.clear();
      this.#segments.clear();
      this.#thrown.clear();
      this.#unended.clear();
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

const FORGOTTEN = 'the control plane has started anew, and does not know it';

/** Removes the full stop of a cause that becomes the end of another sentence. */
function withoutFullStop(sentence: string): string {
  return sentence.endsWith('.') ? sentence.slice(0, -1) : sentence;
}
