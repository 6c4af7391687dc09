import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Codable, Descriptor } from '../../descriptors/index.js';
import { ConfigError } from '../../errors.js';
import { hasMark } from '../../foreign.js';
import type { Logger } from '../../logging/index.js';
import type { MessageType } from '../../protocol/index.js';
import type { Policy } from '../pubsub/index.js';
import type { Values } from '../values/index.js';
import { checkDeclaredArgs, type PipelineArgument, type PipelineArguments } from './declared-args.js';

/** The context of a segment's code. */
export interface SegmentContext {
  readonly segment: string;
  /** Number of this instance of the segment, from 0. */
  readonly instance: number;
  /** Ordinal of the partition that it runs in. */
  readonly partition: number;
  /** Aborted when the segment is stopped before it ends. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Declares real I/O, so that virtual time waits for it. Always `await context.outside(work)` in a pipeline that is to be simulated. */
  outside<T>(work: Promise<T>): Promise<T>;
}

/** The output port of a segment. */
export interface Output<Init> {
  /** Resolves when a reader has room for the element. Await each write: that slows a fast writer down. */
  write(value: Init): Promise<void>;
}

/** A port with its name and type: the result of `source`, `segment` or `port`. */
export interface Port<Read, Init = Read> {
  readonly name: string;
  readonly type: MessageType<Read, Init>;
}

/** A port of values of a codable, of any size: readers in other partitions map their memory, or fetch it, and those beside the writer get the very object. */
export interface ValuePort<T> {
  readonly name: string;
  readonly type: Codable<T>;
}

/** Number and placement of a segment's instances, and how their output is distributed to readers. */
export interface SegmentOptions<Read = unknown> {
  /** Default 1. */
  readonly instances?: number;
  /** Places each instance beside one of this segment. Default: in turn over all partitions. */
  readonly with?: string;
  /** How elements of this segment's output are distributed to readers. Default round-robin. */
  readonly policy?: Policy;
  /** For the policy `hash`: elements with the same key are sent to the same reader. */
  readonly key?: (value: Read) => string | number | bigint;
}

export type Source<Init> = (output: Output<Init>, context: SegmentContext) => Promise<void> | void;
export type Stage<In, OutInit> = (
  input: AsyncIterable<In>,
  output: Output<OutInit>,
  context: SegmentContext,
) => Promise<void> | void;
export type Sink<In> = (input: AsyncIterable<In>, context: SegmentContext) => Promise<void> | void;

/** As `Stage`, for a segment that reads values: each may be used until the next one is asked for. */
export type ValueStage<In, OutInit> = (
  input: Values<In>,
  output: Output<OutInit>,
  context: SegmentContext,
) => Promise<void> | void;
/** As `Sink`, for one that reads values. */
export type ValueSink<In> = (input: Values<In>, context: SegmentContext) => Promise<void> | void;

type To<Read, Init> = MessageType<Read, Init> | Port<Read, Init>;
type ToValues<T> = Codable<T> | ValuePort<T>;
type PortOptions<Read> = Pick<SegmentOptions<Read>, 'policy' | 'key'>;
type SinkOptions = Pick<SegmentOptions, 'instances' | 'with'>;

/** The builder of a declaring function. Every segment has a name; its output port has the same name unless a port is given. */
export interface PipelineBuilder {
  /** Declares a port with its own name. */
  port<Read, Init>(name: string, type: MessageType<Read, Init>, options?: PortOptions<Read>): Port<Read, Init>;
  port<T>(name: string, type: Codable<T>, options?: PortOptions<T>): ValuePort<T>;
  source<Read, Init>(name: string, to: To<Read, Init>, run: Source<Init>): Port<Read, Init>;
  source<Read, Init>(
    name: string,
    to: To<Read, Init>,
    options: SegmentOptions<Read>,
    run: Source<Init>,
  ): Port<Read, Init>;
  source<T>(name: string, to: ToValues<T>, run: Source<T | Descriptor<T>>): ValuePort<T>;
  source<T>(name: string, to: ToValues<T>, options: SegmentOptions<T>, run: Source<T | Descriptor<T>>): ValuePort<T>;
  segment<In, InInit, Read, Init>(
    name: string,
    from: Port<In, InInit>,
    to: To<Read, Init>,
    run: Stage<In, Init>,
  ): Port<Read, Init>;
  segment<In, InInit, Read, Init>(
    name: string,
    from: Port<In, InInit>,
    to: To<Read, Init>,
    options: SegmentOptions<Read>,
    run: Stage<In, Init>,
  ): Port<Read, Init>;
  segment<In, InInit, T>(
    name: string,
    from: Port<In, InInit>,
    to: ToValues<T>,
    run: Stage<In, T | Descriptor<T>>,
  ): ValuePort<T>;
  segment<In, InInit, T>(
    name: string,
    from: Port<In, InInit>,
    to: ToValues<T>,
    options: SegmentOptions<T>,
    run: Stage<In, T | Descriptor<T>>,
  ): ValuePort<T>;
  segment<In, Read, Init>(
    name: string,
    from: ValuePort<In>,
    to: To<Read, Init>,
    run: ValueStage<In, Init>,
  ): Port<Read, Init>;
  segment<In, Read, Init>(
    name: string,
    from: ValuePort<In>,
    to: To<Read, Init>,
    options: SegmentOptions<Read>,
    run: ValueStage<In, Init>,
  ): Port<Read, Init>;
  segment<In, T>(
    name: string,
    from: ValuePort<In>,
    to: ToValues<T>,
    run: ValueStage<In, T | Descriptor<T>>,
  ): ValuePort<T>;
  segment<In, T>(
    name: string,
    from: ValuePort<In>,
    to: ToValues<T>,
    options: SegmentOptions<T>,
    run: ValueStage<In, T | Descriptor<T>>,
  ): ValuePort<T>;
  sink<In, InInit>(name: string, from: Port<In, InInit>, run: Sink<In>): void;
  sink<In, InInit>(name: string, from: Port<In, InInit>, options: SinkOptions, run: Sink<In>): void;
  sink<In>(name: string, from: ValuePort<In>, run: ValueSink<In>): void;
  sink<In>(name: string, from: ValuePort<In>, options: SinkOptions, run: ValueSink<In>): void;
}

export interface PipelineOptions<Args = unknown> {
  /**
   * `fail` (default): the first failure ends the run. `restart`: lost elements are sent again; after any other failure (a segment's
   * code throws, a process ends) the run restarts from its sources.
   */
  readonly onFailure?: 'fail' | 'restart';
  /** Maximum number of restarts of a run. Default 3. */
  readonly maxRestarts?: number;
  /**
   * The arguments of the pipeline. Others are refused, `millrace run MODULE -- --help` lists them, and the command line converts numbers
   * and flags. Without this option, any arguments are accepted, and those of the command line are strings.
   */
  readonly args?: { readonly [Name in keyof Args]-?: PipelineArgument };
}

/** A declared pipeline: the default export of its module. */
export interface Pipeline<Args = unknown> {
  readonly name: string;
  /** URL of the module that exports it as its default; undefined: it runs only where it was created. */
  readonly url: string | undefined;
  readonly options: Required<Omit<PipelineOptions, 'args'>>;
  /** Its declared arguments; undefined: any are accepted. */
  readonly args: PipelineArguments | undefined;
  /** A method, whose parameters are bivariant: a pipeline of any arguments is a `Pipeline`. */
  declare(builder: PipelineBuilder, args: Args): void;
}

/** Property of every pipeline, whichever copy of Millrace created it. */
const BRAND: unique symbol = Symbol.for('millrace.pipeline');

/**
 * Declares a pipeline. The function must be pure: each partition calls it with the same arguments, and must build the same pipeline.
 * `url` is the module that exports it as its default: `import.meta.url`, or `__filename` in CommonJS.
 *
 *     export default pipeline('flights', import.meta.url, (p, args: { input: string }) => {
 *       const rows = p.source('read', Row, (out) => readRows(args.input, out));
 *       const tallies = p.segment('tally', rows, Tally, { instances: 4 }, tallyAll);
 *       p.sink('merge', tallies, drawChart);
 *     }, { args: { input: { required: true, help: 'JSON file of the rows' } } });
 */
export function pipeline<Args = Record<string, never>>(
  name: string,
  url: string | undefined,
  declare: (builder: PipelineBuilder, args: Args) => void,
  options: PipelineOptions<NoInfer<Args>> = {},
): Pipeline<Args> {
  if (!/^[a-z0-9][a-z0-9_.-]*$/i.test(name)) {
    throw new ConfigError(`The name of a pipeline may contain letters, digits, and -_. only, not "${name}".`);
  }
  const { onFailure = 'fail', maxRestarts = 3, args } = options;
  if (onFailure !== 'fail' && onFailure !== 'restart') {
    throw new ConfigError(`onFailure of pipeline "${name}" must be fail or restart, not "${String(onFailure)}".`);
  }
  if (!Number.isInteger(maxRestarts) || maxRestarts < 0) {
    throw new ConfigError(`maxRestarts of pipeline "${name}" must be a whole number from 0, not ${maxRestarts}.`);
  }
  if (args !== undefined) checkDeclaredArgs(name, args);
  const definition = { name, url: moduleUrl(url), declare, options: { onFailure, maxRestarts }, args };
  Object.defineProperty(definition, BRAND, { value: true });
  return definition;
}

/** Converts a path to a URL: CommonJS has `__filename`, which is a path, in place of `import.meta.url`. */
export function moduleUrl(module: string | undefined): string | undefined {
  return module !== undefined && isAbsolute(module) ? pathToFileURL(module).href : module;
}

export function isPipeline(value: unknown): value is Pipeline {
  return hasMark(value, BRAND);
}
