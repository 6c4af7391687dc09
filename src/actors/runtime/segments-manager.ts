import { ConfigError, MillraceError, ProtocolError, StoppedError } from '../../errors.js';
import { errorOf, messageOf, namedMessageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import { v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { retryAsk, CANCELLED, failed, State } from '../control-plane/index.js';
import { type ActorRef, type ActorSystem, type Behavior, behavior, type Context, later } from '../kernel/index.js';
import type { Definitions } from './definitions.js';
import { Segment, type SegmentHost, type SegmentThrew } from './segment.js';
import { thrownRecord } from './thrown-record.js';
import type { RuntimeInterceptor } from './segment-interceptor.js';
import { addSegments, NO_SEGMENTS, type SegmentTotals } from './segment-totals.js';

export interface SegmentsManagerOptions {
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly definitions: Definitions;
  readonly isLossy: () => boolean;
  readonly interceptor: RuntimeInterceptor | undefined;
  readonly streamWindow: SegmentHost['streamWindow'];
  readonly values: SegmentHost['values'];
  readonly stopTimeoutMs: number;
  readonly threw: SegmentThrew | undefined;
  readonly ordinal: () => number;
  /** The actor of this process's control plane client. */
  readonly client: () => ActorRef<typeof v1.ControlPlaneClient>;
}

interface Managed {
  readonly spec: v1.Segment;
  segment: Segment | undefined;
  /** Its steps are executed one after the other. */
  steps: Promise<void>;
  isStopRequested: boolean;
}

/** The last that was reported of a segment before it was removed. */
type SegmentEnd = Pick<Segment, 'actual' | 'outcome'>;

/** Number of ended segments that are remembered: more than can have requests in transit. */
const REMEMBERED_SEGMENTS = 4_096;

/** Manages the segments of one partition: registers, activates, drains, stops and removes them, each by a message. */
export class SegmentsManager {
  readonly #options: SegmentsManagerOptions;
  readonly #managed = new Map<number, Managed>();
  /**
   * Ended segments, and how they ended: a repeated request that arrives late must not register one again. A control plane that has started anew may
   * not know that they have ended.
   */
  readonly #gone = new Map<number, SegmentEnd>();
  #context: Context | undefined;
  #reports: Promise<void> = Promise.resolve();
  #ended = NO_SEGMENTS;
  #closing: Promise<void> | undefined;

  constructor(options: SegmentsManagerOptions) {
    this.#options = options;
  }

  /** Registered segments. */
  get size(): number {
    return this.#managed.size;
  }

  totals(): SegmentTotals {
    let sum = { ...this.#ended, registered: this.#managed.size };
    for (const { segment } of this.#managed.values()) {
      sum = addSegments(sum, elementsOf(segment));
    }
    return sum;
  }

  /** The actor that accepts all requests about segments. */
  behavior(): Behavior<typeof v1.SegmentsManager, undefined> {
    return behavior(v1.SegmentsManager, {
      supervision: 'resume',
      register: (_state, { id, segment }, context) => {
        if (segment === undefined) {
          throw new ProtocolError('A segment to register must be described.');
        }
        this.#register(id, segment, context);
        return {};
      },
      activate: (_state, { id }) => {
        this.#activate(id);
        return {};
      },
      drain: (_state, { id }) => later(this.#drain(id).then(() => ({}))),
      stop: (_state, { id }) => {
        this.#stop(id);
        return {};
      },
      unregister: (_state, { id }) => {
        this.#unregister(id);
        return {};
      },
      describe: () => ({ segments: this.describe() }),
      on: {
        started: (_state, context) => {
          this.#context = context;
        },
      },
    });
  }

  /** Stops all segments, because the partition stops. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Aborts the signals of all segments, and notifies nobody, because the process has crashed. */
  crash(): void {
    this.#closing ??= Promise.resolve();
    for (const { segment } of this.#managed.values()) {
      segment?.abandon();
    }
    this.#managed.clear();
  }

  // ---- requests

  #register(id: number, spec: v1.Segment, context: Context): void {
    if (this.#closing !== undefined) {
      throw new StoppedError(`Partition ${this.#options.ordinal()} is stopping; it accepts no segment.`);
    }
    const gone = this.#gone.get(id);
    if (gone !== undefined) {
      if (gone.actual >= State.COMPLETED) this.#report(id, gone.actual, gone.outcome);
      return;
    }
    if (!this.#managed.has(id)) {
      const managed: Managed = { spec, segment: undefined, steps: Promise.resolve(), isStopRequested: false };
      this.#managed.set(id, managed);
      this.#step(id, managed, async () => {
        managed.segment = await this.#create(id, spec, context);
        if (!managed.isStopRequested) {
          await managed.segment.create();
        }
      });
    }
  }

  #activate(id: number): void {
    const managed = this.#known(id);
    this.#step(id, managed, async () => managed.segment?.activate());
  }

  /** A segment that was never registered counts as stopped. */
  #stop(id: number): void {
    const managed = this.#managed.get(id);
    if (managed === undefined) {
      this.#report(id, State.STOPPED, CANCELLED);
      return;
    }
    managed.isStopRequested = true;
    this.#step(id, managed, async () => managed.segment?.stop());
  }

  #unregister(id: number): void {
    const managed = this.#managed.get(id);
    if (managed === undefined) {
      this.#forget(id);
      return;
    }
    managed.isStopRequested = true;
    this.#step(id, managed, async () => {
      try {
        await managed.segment?.destroy();
      } finally {
        this.#forget(id);
      }
    });
  }

  async #drain(id: number): Promise<void> {
    this.#known(id);
    await this.#options.client().drain({ segment: id }, { timeoutMs: limits.controlPlaneTimeoutMs });
  }

  /** All segments that it runs. */
  describe(): v1.SegmentDescription[] {
    const known = [...this.#managed.values()].flatMap(({ segment }) => (segment === undefined ? [] : [segment]));
    return known.map((segment) => v1.SegmentDescription.create(segment.description()));
  }

  async #close(): Promise<void> {
    const managed = [...this.#managed];
    for (const [id, each] of managed) {
      each.isStopRequested = true;
      each.segment?.abandon();
      this.#step(id, each, async () => each.segment?.destroy());
    }
    await Promise.all(managed.map(([, { steps }]) => steps));
    this.#managed.clear();
    await this.#reports;
  }

  async #create(id: number, spec: v1.Segment, context: Context): Promise<Segment> {
    const { definitions, scheduler, system, isLossy, streamWindow, values, stopTimeoutMs, interceptor, threw } =
      this.#options;
    const client = this.#options.client();
    const declared = await definitions.load(spec.definition, () =>
      retryAsk(scheduler, limits.controlPlaneTimeoutMs, (options) =>
        client.getDefinition({ hash: spec.definition }, options),
      ),
    );
    const code = declared.segments.get(spec.name);
    if (code === undefined) {
      throw new ConfigError(`The pipeline "${declared.definition.name}" declares no segment "${spec.name}".`);
    }
    const host: SegmentHost = {
      system,
      scheduler,
      context,
      ordinal: this.#options.ordinal(),
      interceptor,
      isLossy,
      streamWindow,
      values,
      stopTimeoutMs,
      threw,
      report: (segment, actual, outcome) => this.#report(segment, actual, outcome),
    };
    return new Segment(host, id, spec, declared, code);
  }

  /** Runs a step after the earlier ones. A step that throws fails the segment, which is reported to the control plane. */
  #step(id: number, managed: Managed, step: () => Promise<void>): void {
    managed.steps = managed.steps.then(step).catch((error: unknown) => {
      const { name, pipeline } = managed.spec;
      const partition = this.#options.ordinal();
      const message = messageOf(error);
      const code = error instanceof MillraceError ? error.code : 'PIPELINE';
      this.#context?.log.warn('a step of a segment failed', { segment: name, error: message });
      this.#options.threw?.(pipeline, id, errorOf(error));
      this.#report(
        id,
        State.STOPPED,
        failed({
          code,
          message: `segment "${name}" in partition ${partition} failed: ${message}`,
          segment: name,
          segmentId: id,
          partition,
          cause: thrownRecord(error),
        }),
      );
    });
  }

  /** Sends reports one after the other, so that the control plane receives them in order. */
  #report(id: number, actual: State, outcome?: v1.Outcome): void {
    this.#reports = this.#reports
      .then(async () => {
        const client = this.#options.client();
        await retryAsk(this.#options.scheduler, limits.controlPlaneTimeoutMs, (options) =>
          client.report({ id, actual, outcome }, options),
        );
      })
      .catch((error: unknown) =>
        this.#context?.log.warn('a report did not reach the control plane', {
          segment: id,
          error: namedMessageOf(error),
        }),
      );
  }

  #forget(id: number): void {
    const segment = this.#managed.get(id)?.segment;
    const { read, written } = elementsOf(segment);
    const { actual = State.STOPPED, outcome = CANCELLED } = segment ?? {};
    this.#ended = addSegments(this.#ended, { ...NO_SEGMENTS, read, written });
    this.#managed.delete(id);
    this.#gone.set(id, this.#gone.get(id) ?? { actual, outcome });
    const [oldest] = this.#gone.keys();
    if (this.#gone.size > REMEMBERED_SEGMENTS && oldest !== undefined) {
      this.#gone.delete(oldest);
    }
    this.#report(id, State.DESTROYED);
  }

  #known(id: number): Managed {
    const managed = this.#managed.get(id);
    if (managed === undefined) {
      throw new ConfigError(`Segment ${id} is not registered in this partition.`);
    }
    return managed;
  }
}

function elementsOf(segment: Segment | undefined): SegmentTotals {
  const { read = 0, written = 0, queued = 0 } = segment?.description() ?? {};
  return { registered: 0, read, written, queued };
}
