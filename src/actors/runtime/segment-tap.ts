import type { MessageType } from '../../protocol/index.js';
import type { Tap } from '../kernel/index.js';
import type { SegmentCode } from './builder.js';

type AnyType = MessageType<unknown, unknown>;

/** A segment that is about to run. */
export interface TappedSegment {
  readonly pipeline: string;
  /** JSON that the pipeline's declaring function got. */
  readonly args: string;
  readonly name: string;
  readonly instance: number;
  readonly partition: number;
  /** What it reads and writes; undefined at a source and at a sink. */
  readonly ingress: AnyType | undefined;
  readonly egress: AnyType | undefined;
}

/** Hears what happens at the edges of actors and of segments. */
export interface RuntimeTap extends Tap {
  /** Returns the code that runs: the one given, or one around it. `nowMs` is the scheduler's time. */
  segment(segment: TappedSegment, code: SegmentCode, nowMs: () => number): SegmentCode;
}
