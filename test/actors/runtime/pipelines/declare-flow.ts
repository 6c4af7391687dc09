import type { Output, PipelineBuilder, SegmentContext, SegmentOptions } from '#src/actors/runtime/index.js';
import { Row } from '../row.js';
import { boardOf, nearBoard, type SegmentBoard } from './board.js';

export interface FlowArgs {
  /** Name of the board. */
  readonly run: string;
  /** Socket at which the test serves its boards to segments elsewhere. */
  readonly boards?: string | undefined;
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
  const { policy = 'round-robin', stages = 1, sinks = 1 } = args;
  const port: SegmentOptions<Row> = policy === 'hash' ? { policy, key: (row) => row.key } : { policy };
  const rows = builder.source('source', Row, port, (output, context) =>
    atBoard(args, context, (board) => readRows(args, output, board)),
  );
  const staged = builder.segment('stage', rows, Row, { instances: stages }, (input, output, context) =>
    atBoard(args, context, async (board) => {
      for await (const row of input) {
        await board.stage(row);
        board.note({ what: 'staged', row });
        await output.write(row);
      }
    }),
  );
  builder.sink('sink', staged, { instances: sinks }, (input, context) =>
    atBoard(args, context, (board) => drain(input, board)),
  );
}

async function readRows(args: FlowArgs, output: Output<Partial<Row>>, board: SegmentBoard): Promise<void> {
  if (board.source !== undefined) return board.source(output);
  for (let id = 0; id < args.count; id++) {
    await output.write({ id, key: `key-${id % 17}`.padEnd(args.keyBytes ?? 0, '.') });
    board.note({ what: 'accepted' });
  }
}

async function drain(input: AsyncIterable<Row>, board: SegmentBoard): Promise<void> {
  let read = 0;
  for await (const row of input) {
    board.note({ what: 'sunk', row });
    await board.sink(row);
    if (++read >= board.sinkStopsAfter) return;
  }
}

/** Has a segment do its work with its board, which it leaves at the end, however that comes. */
async function atBoard(
  { run, boards }: FlowArgs,
  context: SegmentContext,
  work: (board: SegmentBoard) => Promise<void>,
): Promise<void> {
  const here = boardOf(run);
  const board = here === undefined ? await farBoard(run, boards, context) : nearBoard(here, context);
  board.note({ what: 'started' });
  const { signal } = context;
  const aborted = (): void => board.note({ what: 'aborted', reason: signal.reason });
  if (signal.aborted) aborted();
  else signal.addEventListener('abort', aborted);
  try {
    await work(board);
  } finally {
    await board.leave?.();
  }
}

async function farBoard(run: string, boards: string | undefined, context: SegmentContext): Promise<SegmentBoard> {
  if (boards === undefined) throw new Error(`there is no ${run} here, and no way to it`);
  const { findBoard } = await import('./remote-board.js');
  return findBoard(boards, run, context);
}
