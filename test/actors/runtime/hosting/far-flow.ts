import { appendFileSync, unlinkSync } from 'node:fs';
import { pid } from 'node:process';
import { threadId } from 'node:worker_threads';
import { type Output, pipeline, type SegmentContext } from '#src/actors/runtime/index.js';
import { blockForEver } from '../../../support/block.js';
import { Row } from '../row.js';

/** What the stage does with the row `at`. */
export type Deed = 'throw outside' | 'exit' | 'hang' | 'hang asleep' | 'compute' | 'log' | 'note exit';

export interface FarArgs {
  /** File to which every segment writes what it does, a line of JSON each: it may run in another process. */
  readonly notes: string;
  readonly count: number;
  readonly stages?: number;
  readonly deed?: Deed;
  readonly at?: number;
  /** The deed is done as long as this file is there, which it takes away. */
  readonly once?: string;
  /** Time that the sink takes for each row. */
  readonly sinkMs?: number;
}

export interface Note {
  readonly what: 'start' | 'staged' | 'sunk' | 'exit';
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
      const rows = builder.source('source', Row, (output, context) => readRows(args, output, context));
      const instances = args.stages ?? 1;
      const staged = builder.segment('stage', rows, Row, { instances }, async (input, output, context) => {
        note(args, context, 'start');
        for await (const row of input) {
          if (row.id === args.at) await does(args, context);
          note(args, context, 'staged', row.id);
          await output.write(row);
        }
      });
      builder.sink('sink', staged, (input, context) => sink(args, input, context));
    },
    onFailure === undefined ? {} : { onFailure, maxRestarts: 5 },
  );

export default farFlow('far-flow', import.meta.url);

async function readRows(args: FarArgs, output: Output<Partial<Row>>, context: SegmentContext): Promise<void> {
  note(args, context, 'start');
  for (let id = 0; id < args.count; id++) {
    await output.write({ id });
  }
}

async function sink(args: FarArgs, input: AsyncIterable<Row>, context: SegmentContext): Promise<void> {
  note(args, context, 'start');
  for await (const row of input) {
    note(args, context, 'sunk', row.id);
    if (args.sinkMs !== undefined) await context.outside(pause(args.sinkMs));
  }
}

async function does({ deed, once, notes }: FarArgs, context: SegmentContext): Promise<void> {
  if (once !== undefined && !taken(once)) return;
  switch (deed) {
    case 'throw outside':
      setImmediate(() => {
        throw new Error('nobody catches this');
      });
      return new Promise(() => {});
    case 'exit':
      return process.exit(3);
    case 'hang':
      return blockForEver();
    case 'compute':
      for (const endMs = performance.now() + 3_000; performance.now() < endMs; );
      return;
    case 'hang asleep':
      // By then nothing has come for a while, and whatever waits for more does so outside JavaScript.
      setTimeout(() => {
        for (;;);
      }, 50);
      return new Promise(() => {});
    case 'log':
      return context.log.warn('a word of the stage', { weight: 7 });
    case 'note exit':
      return void process.once('exit', () => note({ notes }, context, 'exit'));
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

function note({ notes }: Pick<FarArgs, 'notes'>, context: SegmentContext, what: Note['what'], id?: number): void {
  const { segment, instance, partition } = context;
  const said: Note = { what, segment, instance, partition, pid, thread: threadId, ...(id !== undefined && { id }) };
  appendFileSync(notes, `${JSON.stringify(said)}\n`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
