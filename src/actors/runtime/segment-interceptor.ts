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

/** Intercepts the messages of actors, and the code of segments. */
export interface RuntimeInterceptor extends Interceptor {
  /** Returns the code to run: the given code, or a wrapper of it. `nowMs` is the scheduler's time. */
  segment(segment: InterceptedSegment, code: SegmentCode, nowMs: () => number): SegmentCode;
}
