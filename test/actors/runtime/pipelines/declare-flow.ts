import type { Output, PipelineBuilder, SegmentContext, SegmentOptions } from '#src/actors/runtime/index.js';
import { Row } from '../row.js';
import { boardOf } from './board.js';

export interface FlowArgs {
  readonly run: string;
  readonly count: number;
  /** Of the port between source and stage. */
  readonly policy?: 'round-robin' | 'broadcast' | 'hash';
  readonly stages?: number;
  readonly sinks?: number;
  /** Bytes of a row's key. */
  readonly keyBytes?: number;
}

/** source -> stage -> sink; what they do is on the board. */
export function declareFlow(builder: PipelineBuilder, args: FlowArgs): void {
  const { run, policy = 'round-robin', stages = 1, sinks = 1 } = args;
  const port: SegmentOptions<Row> = policy === 'hash' ? { policy, key: (row) => row.key } : { policy };
  const rows = builder.source('source', Row, port, (output, context) => readRows(args, output, context));
  const staged = builder.segment('stage', rows, Row, { instances: stages }, async (input, output, context) => {
    note(run, context);
    for await (const row of input) {
      await boardOf(run).stage?.(row, context);
      push(boardOf(run).staged, context.instance, row.id);
      await output.write(row);
    }
  });
  builder.sink('sink', staged, { instances: sinks }, (input, context) => drain(run, input, context));
}

async function readRows(args: FlowArgs, output: Output<Partial<Row>>, context: SegmentContext): Promise<void> {
  const board = boardOf(args.run);
  note(args.run, context);
  board.starts++;
  board.sunk.length = 0;
  if (board.source !== undefined) return board.source(output, context);
  for (let id = 0; id < args.count; id++) {
    await output.write({ id, key: `key-${id % 17}`.padEnd(args.keyBytes ?? 0, '.') });
    board.accepted++;
  }
}

async function drain(run: string, input: AsyncIterable<Row>, context: SegmentContext): Promise<void> {
  const board = boardOf(run);
  note(run, context);
  let read = 0;
  for await (const row of input) {
    board.sunk.push(row);
    push(board.sunkBy, context.instance, row.id);
    await board.sink?.(row, context);
    if (++read >= board.sinkStopsAfter) return;
  }
}

function note(run: string, { segment, partition, signal }: SegmentContext): void {
  push(boardOf(run).places, segment, partition);
  signal.addEventListener('abort', () => boardOf(run).aborted.push(signal.reason));
}

function push<Key>(lists: Map<Key, number[]>, key: Key, value: number): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
