import { checkPolicy, Publisher, Subscriber } from '../pubsub/index.js';
import type { Context, UntypedRef } from '../kernel/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { type DescriptorExchange, ValueInput, ValueOutput } from '../values/index.js';
import type { MillraceError } from '../../errors.js';
import { isMessageType, type PortCode } from './builder.js';
import type { Output } from './pipeline.js';

/** What the ports of a segment need of its partition. */
export interface SegmentPortsHost {
  readonly context: Context;
  readonly scheduler: Scheduler;
  /** Links to other partitions may lose frames. */
  readonly isLossy: () => boolean;
  readonly streamWindow: { readonly items?: number; readonly bytes?: number };
  /** Starts with its first use. */
  readonly values: () => DescriptorExchange;
}

/** The reading end of a port, of messages or of values. */
export interface SegmentInput extends AsyncIterable<unknown> {
  readonly read: number;
  readonly queued: number;
  readonly references: number;
  /** What was read lies in memory that is given back when the next element is asked for. Missing: never, or its readers hold it themselves. */
  readonly isLending?: boolean;
  release(): void;
  close(reason: MillraceError): void;
}

/** The writing end of a port, of messages or of values. */
export interface SegmentOutput extends Output<unknown> {
  readonly written: number;
  readonly queued: number;
  readonly hasNoSubscribers: boolean;
  end(): Promise<void>;
  close(reason: MillraceError): void;
}

/** An end of a port, and its actor, which is not spawned yet. */
export interface PortEnd<End> {
  readonly end: End;
  readonly spawn: (name: string) => UntypedRef;
}

export interface SegmentOutputOptions {
  readonly policy: string;
  readonly recovers: boolean;
  readonly failed: (error: MillraceError) => void;
  readonly isLent: () => boolean;
}

export function inputOf(
  { context, streamWindow, values }: SegmentPortsHost,
  id: number,
  port: PortCode,
): PortEnd<SegmentInput> {
  const { name, type } = port;
  if (!isMessageType(type)) {
    const end = new ValueInput({ id, port: name, codable: type, exchange: values(), window: streamWindow });
    return { end, spawn: (actor) => context.spawn(end.behavior(), { name: actor }) };
  }
  const end = new Subscriber({ id, port: name, type, window: streamWindow });
  return { end, spawn: (actor) => context.spawn(end.behavior(), { name: actor }) };
}

export function outputOf(
  { context, isLossy, values }: SegmentPortsHost,
  id: number,
  { name, type, key }: PortCode,
  { policy: named, recovers, failed, isLent }: SegmentOutputOptions,
): PortEnd<SegmentOutput> {
  const common = { id, port: name, key, policy: checkPolicy(named), isLossy, recovers, failed };
  if (isMessageType(type)) {
    const end = new Publisher({ ...common, type });
    return { end, spawn: (actor) => context.spawn(end.behavior(), { name: actor }) };
  }
  const end = new ValueOutput({ ...common, codable: type, exchange: values(), isLent });
  return { end, spawn: (actor) => context.spawn(end.behavior(), { name: actor }) };
}
