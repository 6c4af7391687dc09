import type { MessageType } from '../../protocol/index.js';
import type { Interceptor } from '../kernel/index.js';
import type { SegmentCode } from './builder.js';

type AnyType = MessageType<unknown, unknown>;

/** A segment that is about to run. */
export interface InterceptedSegment {
  readonly pipeline: string;
  /** The arguments of the pipeline's declaring function, as JSON. */
  readonly args: string;
  readonly name: string;
  readonly instance: number;
  readonly partition: number;
  /** The types that it reads and writes; undefined at a source and at a sink respectively. */
  readonly ingress: AnyType | undefined;
  readonly egress: AnyType | undefined;
}

/** How partitions on threads and in processes, which share nothing with this event loop, get interceptors of their own. */
export interface InterceptorElsewhere {
  /** URL of a module that exports an `OpenInterceptor` by the name `interceptor`. */
  readonly url: string;
  /** The settings of one that is about to start: JSON. Undefined: partitions that start from now on get no interceptor. */
  settings(): string | undefined;
  /** One of them does no more than run the code: why, in a sentence. */
  failed(message: string): void;
}

export interface OpenInterceptor {
  /** Opens it from its settings; undefined where it has failed. `failed`: as that of `InterceptorElsewhere`. Must not throw. */
  (settings: string, failed: (message: string) => void): OpenedInterceptor | undefined;
}

export interface OpenedInterceptor {
  readonly interceptor: RuntimeInterceptor;
  /** The partition is about to end: what fails later than this cannot be told to its host any more. Must not throw. */
  flush(): void;
  /** The partition has ended. Must not throw. */
  close(): void;
}

/** Intercepts the messages of actors, and the code of segments. */
export interface RuntimeInterceptor extends Interceptor {
  /** Undefined: it works on this event loop only, so partitions elsewhere are refused. */
  readonly elsewhere?: InterceptorElsewhere | undefined;
  /** Returns the code to run: the given code, or a wrapper of it. `nowMs` is the scheduler's time. */
  segment(segment: InterceptedSegment, code: SegmentCode, nowMs: () => number): SegmentCode;
}
