import { Deferred } from '../../deferred.js';
import { setMaxListeners } from 'node:events';
import { MillraceError, PipelineError, StoppedError } from '../../errors.js';
import { errorOf, messageOf, namedMessageOf } from '../../foreign.js';
import { thrownRecord } from './thrown-record.js';
import { limits } from '../../limits.js';
import { v1 } from '../../protocol/index.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';
import { retryAsk, CANCELLED, failed, GIVEN_UP, OK, State } from '../control-plane/index.js';
import type { ActorRef, ActorSystem, UntypedRef } from '../kernel/index.js';
import { type Declared, messageTypeOf, type SegmentCode } from './builder.js';
import type { SegmentContext } from './pipeline.js';
import type { RuntimeInterceptor } from './segment-interceptor.js';
import {
  inputOf,
  outputOf,
  type PortEnd,
  type SegmentInput,
  type SegmentOutput,
  type SegmentPortsHost,
} from './segment-ports.js';

/** What a segment needs of its partition. */
export interface SegmentHost extends SegmentPortsHost {
  readonly system: ActorSystem;
  readonly ordinal: number;
  readonly interceptor: RuntimeInterceptor | undefined;
  /** Time for the code to settle after the segment was told to stop, in ms. */
  readonly stopTimeoutMs: number;
  report(id: number, actual: State, outcome?: v1.Outcome): void;
  /** Told before the report of the failure. */
  readonly threw: SegmentThrew | undefined;
}

/** For those in the same process who want the error itself that a segment failed with, not what travels of it. */
export type SegmentThrew = (pipeline: number, segment: number, error: Error) => void;

/** The actor of a port, which is a member of a manifold. */
interface PortMember {
  readonly port: string;
  readonly actor: UntypedRef;
  readonly manifold: ActorRef<typeof v1.ManifoldService>;
}

/** Time between two progress reports of a segment, in ms. */
const PROGRESS_MS = 200;

/**
 * User code between an ingress and an egress port. The segments manager calls one step after the other; each leads to a state:
 *
 *     create    ports are made and join their manifolds        -> Created
 *     activate  the code runs                                  -> Running, then Completed or Stopped(failed)
 *     stop      ports are closed, the code's signal is aborted -> Stopped(cancelled)
 *     destroy   ports leave their manifolds
 */
export class Segment {
  readonly id: number;
  readonly spec: v1.Segment;
  actual: State = State.INITIALIZED;
  outcome: v1.Outcome | undefined;
  readonly #host: SegmentHost;
  readonly #code: SegmentCode;
  readonly #abort = new AbortController();
  readonly #input: PortEnd<SegmentInput> | undefined;
  readonly #output: PortEnd<SegmentOutput> | undefined;
  readonly #subscriber: SegmentInput | undefined;
  readonly #publisher: SegmentOutput | undefined;
  readonly #ports: PortMember[] = [];
  #run: Promise<void> | undefined;
  #progress: Timer | undefined;
  #failure: MillraceError | undefined;

  constructor(host: SegmentHost, id: number, spec: v1.Segment, declared: Declared, code: SegmentCode) {
    setMaxListeners(0, this.#abort.signal);
    this.#host = host;
    this.id = id;
    this.spec = spec;
    const ingress = portOf(declared, code.ingress);
    const egress = portOf(declared, code.egress);
    const { name: pipeline, args } = declared.definition;
    const { name, instance } = spec;
    const tapped = { pipeline, args, name, instance, partition: host.ordinal };
    this.#code =
      host.interceptor?.segment(
        { ...tapped, ingress: messageTypeOf(ingress), egress: messageTypeOf(egress) },
        code,
        () => host.scheduler.now(),
      ) ?? code;
    this.#input = ingress && inputOf(host, id, ingress);
    this.#output =
      egress &&
      outputOf(host, id, egress, {
        policy: declared.definition.ports.find((port) => port.name === egress.name)?.policy ?? '',
        recovers: spec.onFailure === v1.FailurePolicy.RESTART,
        failed: (error) => this.#fail(error),
        isLent: () => this.#subscriber?.isLending === true,
      });
    this.#subscriber = this.#input?.end;
    this.#publisher = this.#output?.end;
  }

  description(): v1.SegmentDescriptionInit {
    return {
      id: this.id,
      name: this.spec.name,
      actual: this.actual,
      outcome: this.outcome,
      read: this.#subscriber?.read ?? 0,
      written: this.#publisher?.written ?? 0,
      queued: this.#subscriber?.queued ?? this.#publisher?.queued ?? 0,
      references: this.#subscriber?.references ?? 0,
    };
  }

  async create(): Promise<void> {
    // The readers of the output must know this writer before the segment reads anything.
    const ports = this.spec.ports.toSorted((left, right) => Number(right.isEgress) - Number(left.isEgress));
    for (const assignment of ports) {
      const manifold = this.#manifold(assignment);
      const actor = this.#spawnPort(assignment);
      this.#ports.push({ port: assignment.port, actor, manifold });
      const member = { id: this.id, ref: actor.toRef() };
      await this.#ask((options) =>
        manifold.join({ member: v1.Member.create(member), isWriter: assignment.isEgress }, options),
      );
    }
    this.#advance(State.CREATED);
  }

  activate(): void {
    if (this.actual !== State.CREATED) {
      return;
    }
    this.#advance(State.RUNNING);
    this.#run = this.#execute();
  }

  /** Stops the code. Waits until it has settled, up to `stopTimeoutMs`; then the code is abandoned, which is logged. */
  async stop(): Promise<void> {
    if (this.actual < State.COMPLETED) {
      const reason = new StoppedError(`Segment "${this.spec.name}" was stopped.`);
      this.#failure ??= reason;
      this.#close(reason);
      this.#end((await this.#settled()) ? CANCELLED : GIVEN_UP);
    }
  }

  /** Its partition stops while it runs: fails, so that readers do not take this as the end of the stream. */
  abandon(): void {
    this.#fail(new StoppedError('its partition is stopping'));
  }

  async destroy(): Promise<void> {
    await this.stop();
    this.#close(new StoppedError(`Segment "${this.spec.name}" has ended.`));
    await this.#settled();
    this.#subscriber?.release();
    const hasEnded = this.actual === State.COMPLETED;
    for (const { port, actor, manifold } of this.#ports.splice(0)) {
      try {
        await this.#ask((options) => manifold.leave({ member: this.id, hasEnded }, options));
      } catch (error) {
        this.#host.context.log.debug('the manifold did not answer a request to leave its port', {
          port,
          error: namedMessageOf(error),
        });
      }
      await this.#host.system.stop(actor);
    }
  }

  // ---- the code

  async #execute(): Promise<void> {
    this.#progress = this.#host.context.every(PROGRESS_MS, () => this.#tellProgress(false));
    try {
      await this.#code.run(this.#subscriber ?? NOTHING, this.#publisher ?? NOWHERE, this.#segmentContext());
      await this.#publisher?.end();
      this.#complete();
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#subscriber?.release();
    }
  }

  #segmentContext(): SegmentContext {
    const { context, ordinal, scheduler } = this.#host;
    const { name, instance } = this.spec;
    return {
      segment: name,
      instance,
      partition: ordinal,
      signal: this.#abort.signal,
      log: context.log.child({ segment: name, instance }),
      outside: (work) => scheduler.outside(work),
    };
  }

  #complete(): void {
    if (this.actual < State.COMPLETED) {
      this.#tellProgress(true);
      this.#advance(State.COMPLETED, OK);
    }
  }

  /** All its readers have completed first. The segment then completes too; it does not fail. */
  #failed(error: unknown): void {
    if (this.#failure === undefined && this.#publisher?.hasNoSubscribers === true && error instanceof StoppedError) {
      this.#complete();
      return;
    }
    if (!(this.#failure instanceof StoppedError)) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.actual >= State.COMPLETED) {
      return;
    }
    const { name, instance, pipeline } = this.spec;
    const message = messageOf(error);
    const cause =
      this.#failure ??
      new PipelineError(
        `segment "${name}" (instance ${instance}) in partition ${this.#host.ordinal} failed: ${message}`,
        { cause: error },
      );
    this.#failure = cause;
    this.#host.context.log.warn('segment failed', { segment: name, instance, error });
    const code = error instanceof MillraceError ? error.code : 'HANDLER';
    this.#close(cause);
    const { threw, ordinal } = this.#host;
    threw?.(pipeline, this.id, errorOf(error));
    const place = { segment: name, segmentId: this.id, partition: ordinal };
    this.#end(failed({ code, message: cause.message, ...place, cause: thrownRecord(error) }));
  }

  #close(reason: MillraceError): void {
    this.#abort.abort(reason);
    this.#subscriber?.close(reason);
    this.#publisher?.close(reason);
  }

  /** False when it was given up. */
  async #settled(): Promise<boolean> {
    if (this.#run === undefined) {
      return true;
    }
    const { scheduler, context, stopTimeoutMs } = this.#host;
    const timeout = withTimeout(scheduler, stopTimeoutMs);
    const isSettled = await Promise.race([this.#run.then(() => true), timeout.passed.then(() => false)]);
    timeout.clear();
    if (!isSettled) {
      this.#run = undefined;
      context.log.error('a stopped segment did not end in time, and was abandoned', {
        segment: this.spec.name,
        afterMs: stopTimeoutMs,
      });
    }
    return isSettled;
  }

  // ---- ports

  #spawnPort(assignment: v1.PortAssignment): UntypedRef {
    const { isEgress, port: portName } = assignment;
    const port = isEgress ? this.#output : this.#input;
    if (port === undefined) throw new PipelineError(`segment "${this.spec.name}" has no port "${portName}"`);
    return port.spawn(`segment-${this.id}-${isEgress ? 'egress' : 'ingress'}`);
  }

  #manifold({ actor, port }: v1.PortAssignment): ActorRef<typeof v1.ManifoldService> {
    if (actor === undefined) {
      throw new PipelineError(`port "${port}" of segment "${this.spec.name}" has no manifold yet`);
    }
    return this.#host.context.ref(v1.ManifoldService, actor);
  }

  #ask<Reply>(send: Parameters<typeof retryAsk<Reply>>[2]): Promise<Reply> {
    return retryAsk(this.#host.scheduler, limits.controlPlaneTimeoutMs, send);
  }

  #tellProgress(isDone: boolean): void {
    const { observer, pipeline, name, instance } = this.spec;
    if (observer !== undefined) {
      const { read = 0, written = 0, queued = 0 } = this.description();
      this.#host.context
        .ref(v1.ControlPlaneClient, observer)
        .progress({ pipeline, segment: this.id, name, instance, read, written, queued, isDone });
    }
  }

  #end(outcome: v1.Outcome): void {
    this.#advance(State.STOPPED, outcome);
  }

  #advance(actual: State, outcome?: v1.Outcome): void {
    if (actual > this.actual) {
      this.actual = actual;
      if (actual >= State.COMPLETED && this.#progress !== undefined) {
        this.#host.context.cancel(this.#progress);
      }
      this.outcome ??= outcome;
      this.#host.report(this.id, actual, outcome);
    }
  }
}

const NOTHING: AsyncIterable<never> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
};

const NOWHERE = {
  write: () => Promise.reject(new PipelineError('A sink has no port to write to.')),
};

function portOf(declared: Declared, name: string | undefined): ReturnType<Declared['ports']['get']> {
  return name === undefined ? undefined : declared.ports.get(name);
}

function withTimeout(scheduler: Scheduler, timeoutMs: number): { passed: Promise<void>; clear: () => void } {
  const passed = new Deferred<void>();
  const timer = scheduler.setTimer(timeoutMs, () => passed.resolve());
  return { passed: passed.promise, clear: () => scheduler.clearTimer(timer) };
}
