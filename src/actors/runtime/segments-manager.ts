import { ConfigError, PipelineError } from '../../errors.js';
import { limits } from '../../limits.js';
import { v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { askAgain, failed, State } from '../control-plane/index.js';
import { type ActorRef, type ActorSystem, type Behavior, behavior, type Context, later } from '../kernel/index.js';
import type { Definitions } from './definitions.js';
import { Segment, type SegmentHost } from './segment.js';

export interface SegmentsManagerOptions {
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly definitions: Definitions;
  readonly isLossy: boolean;
  readonly streamWindow: SegmentHost['streamWindow'];
  readonly ordinal: () => number;
  /** The control plane client of this process. */
  readonly client: () => ActorRef<typeof v1.ControlPlaneClient>;
}

interface Managed {
  segment: Segment | undefined;
  /** Steps are taken one behind the other. */
  steps: Promise<void>;
  isStopRequested: boolean;
}

/** Life of every segment of one partition: registers, activates, drains, stops and forgets them, each by a message. */
class SegmentsManager {
  readonly #options: SegmentsManagerOptions;
  readonly #context: Context;
  readonly #managed = new Map<number, Managed>();
  #reports: Promise<void> = Promise.resolve();

  constructor(options: SegmentsManagerOptions, context: Context) {
    this.#options = options;
    this.#context = context;
  }

  register(id: number, spec: v1.Segment): void {
    if (!this.#managed.has(id)) {
      const managed: Managed = { segment: undefined, steps: Promise.resolve(), isStopRequested: false };
      this.#managed.set(id, managed);
      this.#step(id, managed, spec, async () => {
        managed.segment = await this.#create(id, spec);
        if (!managed.isStopRequested) {
          await managed.segment.create();
        }
      });
    }
  }

  activate(id: number): void {
    const managed = this.#known(id);
    this.#step(id, managed, managed.segment?.spec, async () => managed.segment?.activate());
  }

  stop(id: number): void {
    const managed = this.#managed.get(id);
    if (managed !== undefined) {
      managed.isStopRequested = true;
      this.#step(id, managed, managed.segment?.spec, async () => managed.segment?.stop());
    }
  }

  unregister(id: number): void {
    const managed = this.#managed.get(id);
    if (managed === undefined) {
      this.#report(id, State.DESTROYED);
      return;
    }
    managed.isStopRequested = true;
    this.#step(id, managed, managed.segment?.spec, async () => {
      await managed.segment?.destroy();
      if (managed.segment === undefined) {
        this.#report(id, State.DESTROYED);
      }
      this.#managed.delete(id);
    });
  }

  async drain(id: number): Promise<void> {
    this.#known(id);
    await this.#options.client().drain({ segment: id }, { timeoutMs: limits.controlPlaneTimeoutMs });
  }

  /** Everything here ends; used when the partition does. */
  async close(): Promise<void> {
    for (const id of [...this.#managed.keys()]) {
      this.unregister(id);
    }
    await Promise.all([...this.#managed.values()].map(({ steps }) => steps));
    await this.#reports;
  }

  describe(): v1.SegmentDescription[] {
    const known = [...this.#managed.values()].flatMap(({ segment }) => (segment === undefined ? [] : [segment]));
    return known.map((segment) => v1.SegmentDescription.create(segment.description()));
  }

  async #create(id: number, spec: v1.Segment): Promise<Segment> {
    const { definitions, scheduler, system, isLossy, streamWindow } = this.#options;
    const client = this.#options.client();
    const declared = await definitions.load(spec.definition, () =>
      askAgain(scheduler, limits.controlPlaneTimeoutMs, (options) =>
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
      context: this.#context,
      ordinal: this.#options.ordinal(),
      isLossy,
      streamWindow,
      report: (segment, actual, outcome) => this.#report(segment, actual, outcome),
    };
    return new Segment(host, id, spec, declared, code);
  }

  /** Takes a step behind those before it. A step that fails fails the segment, and is told to the control plane. */
  #step(id: number, managed: Managed, spec: v1.Segment | undefined, step: () => Promise<void>): void {
    managed.steps = managed.steps.then(step).catch((error: unknown) => {
      const name = spec?.name ?? `segment ${id}`;
      const partition = this.#options.ordinal();
      const message = error instanceof Error ? error.message : String(error);
      const code = error instanceof ConfigError ? error.code : new PipelineError(message).code;
      this.#context.log.warn('segment could not go on', { segment: name, error: message });
      this.#report(
        id,
        State.STOPPED,
        failed({
          code,
          message: `segment "${name}" in partition ${partition} failed: ${message}`,
          segment: name,
          partition,
        }),
      );
    });
  }

  /** Reports go one behind the other, so that the control plane hears them in order. */
  #report(id: number, actual: State, outcome?: v1.Outcome): void {
    this.#reports = this.#reports
      .then(async () => {
        const client = this.#options.client();
        await askAgain(this.#options.scheduler, limits.controlPlaneTimeoutMs, (options) =>
          client.report({ id, actual, outcome }, options),
        );
      })
      .catch((error: unknown) =>
        this.#context.log.warn('a report did not reach the control plane', { segment: id, error: String(error) }),
      );
  }

  #known(id: number): Managed {
    const managed = this.#managed.get(id);
    if (managed === undefined) {
      throw new ConfigError(`Segment ${id} is not registered in this partition.`);
    }
    return managed;
  }
}

export function segmentsManager(options: SegmentsManagerOptions): Behavior<typeof v1.SegmentsManager, SegmentsManager> {
  return behavior(v1.SegmentsManager, {
    state: (context) => new SegmentsManager(options, context),
    supervision: { onFailure: 'resume' },
    register: (manager, { id, segment }) => {
      if (segment === undefined) {
        throw new ConfigError('A segment to register must be described.');
      }
      manager.register(id, segment);
      return {};
    },
    activate: (manager, { id }) => {
      manager.activate(id);
      return {};
    },
    drain: (manager, { id }) => later(manager.drain(id).then(() => ({}))),
    stop: (manager, { id }) => {
      manager.stop(id);
      return {};
    },
    unregister: (manager, { id }) => {
      manager.unregister(id);
      return {};
    },
    describe: (manager) => ({ segments: manager.describe() }),
    on: { stopping: (manager) => manager.close() },
  });
}
