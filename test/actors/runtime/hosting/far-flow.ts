import { appendFileSync, unlinkSync } from 'node:fs';
import { pid } from 'node:process';
import { threadId } from 'node:worker_threads';
import { type Output, pipeline, type SegmentContext } from '#src/actors/runtime/index.js';
import { Row } from '../row.js';

/** What the stage does with the row `at`. */
export type Deed = 'throw' | 'throw outside' | 'exit' | 'hang' | 'hang asleep' | 'log';

export interface FarArgs {
  /** File to which every segment writes what it does, a line of JSON each: it may run in another process. */
  readonly notes: string;
  readonly count: number;
  readonly stages?: number;
  readonly policy?: 'round-robin' | 'broadcast' | 'hash';
  readonly deed?: Deed;
  readonly at?: number;
  /** The deed is done as long as this file is there, which it takes away. */
  readonly once?: string;
  readonly onFailure?: 'restart';
  /** Time that the stage takes for each row, and the sink. */
  readonly stageMs?: number;
  readonly sinkMs?: number;
  readonly sinks?: number;
  readonly sinkStopsAfter?: number;
  /** It keeps its first row. */
  readonly sinkHolds?: 'until it is aborted' | 'for ever';
}

export interface Note {
  readonly what: 'start' | 'staged' | 'sunk' | 'written' | 'aborted' | 'end';
  readonly segment: string;
  readonly instance: number;
  readonly partition: number;
  readonly pid: number;
  readonly thread: number;
  readonly id?: number;
}

/** source -> stage -> sink, wherever they run. */
export const farFlow = (name: string, url: string, onFailure?: 'restart') =>
  pipeline(
    name,
    url,
    (builder, args: FarArgs) => {
      const { policy = 'round-robin', stages = 1, sinks = 1 } = args;
      const port = policy === 'hash' ? { policy, key: (row: Row) => row.key } : { policy };
      const rows = builder.source('source', Row, port, (output, context) => readRows(args, output, context));
      const staged = builder.segment('stage', rows, Row, { instances: stages }, async (input, output, context) => {
        begin(args, context);
        for await (const row of input) {
          if (args.stageMs !== undefined) await context.outside(pause(args.stageMs));
          if (row.id === args.at) await does(args, context);
          note(args, context, 'staged', row.id);
          await output.write(row);
        }
        note(args, context, 'end');
      });
      builder.sink('sink', staged, { instances: sinks }, (input, context) => sink(args, input, context));
    },
    onFailure === undefined ? {} : { onFailure, maxRestarts: 5 },
  );

export default farFlow('far-flow', import.meta.url);

async function readRows(args: FarArgs, output: Output<Partial<Row>>, context: SegmentContext): Promise<void> {
  begin(args, context);
  for (let id = 0; id < args.count; id++) {
    await output.write({ id, key: `key-${id % 7}` });
    note(args, context, 'written', id);
  }
  note(args, context, 'end');
}

async function sink(args: FarArgs, input: AsyncIterable<Row>, context: SegmentContext): Promise<void> {
  begin(args, context);
  let read = 0;
  for await (const row of input) {
    note(args, context, 'sunk', row.id);
    if (args.sinkHolds !== undefined) await held(args.sinkHolds, context);
    if (args.sinkMs !== undefined) await context.outside(pause(args.sinkMs));
    if (++read === args.sinkStopsAfter) break;
  }
  note(args, context, 'end');
}

function held(how: NonNullable<FarArgs['sinkHolds']>, { signal }: SegmentContext): Promise<unknown> {
  return new Promise((resolve) => {
    if (how !== 'for ever') signal.addEventListener('abort', resolve);
  });
}

async function does({ deed, once }: FarArgs, context: SegmentContext): Promise<void> {
  if (once !== undefined && !taken(once)) return;
  switch (deed) {
    case 'throw':
      throw new Error('the stage threw');
    case 'throw outside':
      setImmediate(() => {
        throw new Error('nobody catches this');
      });
      return new Promise(() => {});
    case 'exit':
      return process.exit(3);
    case 'hang':
      for (;;);
    case 'hang asleep':
      // By then nothing has come for a while, and whatever waits for more does so outside JavaScript.
      setTimeout(() => {
        for (;;);
      }, 50);
      return new Promise(() => {});
    case 'log':
      return context.log.warn('a word of the stage', { weight: 7 });
    case undefined:
  }
}

function taken(file: string): boolean {
  try {
    unlinkSync(file);
    return true;
  } catch {
    return false;
  }
}

function begin(args: FarArgs, context: SegmentContext): void {
  note(args, context, 'start');
  context.signal.addEventListener('abort', () => note(args, context, 'aborted'));
}

function note({ notes }: FarArgs, context: SegmentContext, what: Note['what'], id?: number): void {
  const { segment, instance, partition } = context;
  const said: Note = { what, segment, instance, partition, pid, thread: threadId, ...(id !== undefined && { id }) };
  appendFileSync(notes, `${JSON.stringify(said)}\n`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
