import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError } from '../../errors.js';
import { hasMark } from '../../foreign.js';
import type { Logger } from '../../logging/index.js';
import type { MessageType } from '../../protocol/index.js';
import type { Policy } from '../pubsub/index.js';
import { checkDeclaredArgs, type PipelineArgument, type PipelineArguments } from './declared-args.js';

/** What a segment's code may use besides its ports. */
export interface SegmentContext {
  readonly segment: string;
  /** Counts from 0 among the instances of this segment. */
  readonly instance: number;
  /** Ordinal of the partition it runs in. */
  readonly partition: number;
  /** Aborted when the segment is stopped before its end. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Declares real I/O, so that virtual time waits for it. Always `await context.outside(work)` in a pipeline that is to be simulated. */
  outside<T>(work: Promise<T>): Promise<T>;
}

/** Where a segment writes. */
export interface Output<Init> {
  /** Resolves when a reader has room for the element. Await each write: that is what holds a fast writer back. */
  write(value: Init): Promise<void>;
}

/** A port by its name and type; made by `source`, `segment` or `port`. */
export interface Port<Read, Init = Read> {
  readonly name: string;
  readonly type: MessageType<Read, Init>;
}

/** How many instances run, and how their output is divided among readers. */
export interface SegmentOptions<Read = unknown> {
  /** Default 1. */
  readonly instances?: number;
  /** Places each instance beside one of this segment. Default: in turn over all partitions. */
  readonly with?: string;
  /** Which readers an element of this segment's output goes to. Default round-robin. */
  readonly policy?: Policy;
  /** Of the policy `hash`: elements of one key go to the same reader. */
  readonly key?: (value: Read) => string | number | bigint;
}

export type Source<Init> = (output: Output<Init>, context: SegmentContext) => Promise<void> | void;
export type Stage<In, OutInit> = (
  input: AsyncIterable<In>,
  output: Output<OutInit>,
  context: SegmentContext,
) => Promise<void> | void;
export type Sink<In> = (input: AsyncIterable<In>, context: SegmentContext) => Promise<void> | void;

type To<Read, Init> = MessageType<Read, Init> | Port<Read, Init>;

/** What a declaring function builds with. Every segment has a name; its output port has the same one, unless a port is given. */
export interface PipelineBuilder {
  /** A port under a name of its own. */
  port<Read, Init>(
    name: string,
    type: MessageType<Read, Init>,
    options?: Pick<SegmentOptions<Read>, 'policy' | 'key'>,
  ): Port<Read, Init>;
  source<Read, Init>(name: string, to: To<Read, Init>, run: Source<Init>): Port<Read, Init>;
  source<Read, Init>(
    name: string,
    to: To<Read, Init>,
    options: SegmentOptions<Read>,
    run: Source<Init>,
  ): Port<Read, Init>;
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
  sink<In, InInit>(name: string, from: Port<In, InInit>, run: Sink<In>): void;
  sink<In, InInit>(
    name: string,
    from: Port<In, InInit>,
    options: Pick<SegmentOptions, 'instances' | 'with'>,
    run: Sink<In>,
  ): void;
}

export interface PipelineOptions<Args = unknown> {
  /**
   * `fail` (default): the first failure ends the run. `restart`: lost elements are sent again; after any other failure (a segment's
   * code that throws, a process that dies) the run starts anew from its sources.
   */
  readonly onFailure?: 'fail' | 'restart';
  /** Times that a run may start anew. Default 3. */
  readonly maxRestarts?: number;
  /**
   * The arguments that the pipeline takes. Others are refused, `millrace run MODULE -- --help` lists these, and a number or a flag of the
   * command line arrives as one. Without it any arguments are accepted, and those of the command line arrive as text.
   */
  readonly args?: { readonly [Name in keyof Args]-?: PipelineArgument };
}

/** A pipeline as a module exports it. */
export interface Pipeline<Args = unknown> {
  readonly name: string;
  /** Module that exports it as its default; undefined: it runs where it was made, and nowhere else. */
  readonly url: string | undefined;
  readonly options: Required<Omit<PipelineOptions, 'args'>>;
  /** What it declares of its arguments; undefined: any are accepted. */
  readonly args: PipelineArguments | undefined;
  /** A method, whose parameters compare both ways: a pipeline of any arguments is a `Pipeline`. */
  declare(builder: PipelineBuilder, args: Args): void;
}

/** Symbol that marks a pipeline, so that another copy of the package knows it, too. */
const MARK: unique symbol = Symbol.for('millrace.pipeline');

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
    throw new ConfigError(`The name of a pipeline has letters, digits, and -_. only; got "${name}".`);
  }
  const { onFailure = 'fail', maxRestarts = 3, args } = options;
  if (onFailure !== 'fail' && onFailure !== 'restart') {
    throw new ConfigError(`onFailure of pipeline "${name}" is fail or restart; got "${String(onFailure)}".`);
  }
  if (!Number.isInteger(maxRestarts) || maxRestarts < 0) {
    throw new ConfigError(`maxRestarts of pipeline "${name}" is a whole number, 0 or more; got ${maxRestarts}.`);
  }
  if (args !== undefined) checkDeclaredArgs(name, args);
  const definition = { name, url: urlOf(url), declare, options: { onFailure, maxRestarts }, args };
  Object.defineProperty(definition, MARK, { value: true });
  return definition;
}

/** CommonJS has no `import.meta.url`; a path is what `__filename` is there. */
function urlOf(module: string | undefined): string | undefined {
  return module !== undefined && isAbsolute(module) ? pathToFileURL(module).href : module;
}

export function isPipeline(value: unknown): value is Pipeline {
  return hasMark(value, MARK);
}
