import type { Row } from '../row.js';
import type { Output, SegmentContext } from '#src/actors/runtime/index.js';

/** What the segments of one run of `flow` leave for the test that started it; virtual processes share it, being one thread. */
export class Board {
  /** What the sinks have read since the source last started. */
  readonly sunk: Row[] = [];
  /** Which instance of the stage passed which rows on. */
  readonly staged = new Map<number, number[]>();
  /** Which instance of the sink read which rows. */
  readonly sunkBy = new Map<number, number[]>();
  /** Reasons that signals were aborted with. */
  readonly aborted: unknown[] = [];
  /** Partitions in which segments ran. */
  readonly places = new Map<string, number[]>();
  accepted = 0;
  starts = 0;
  /** In place of the source's own code. */
  source: ((output: Output<Partial<Row>>, context: SegmentContext) => Promise<void>) | undefined;
  /** Called by the stage, and awaited, before each row is passed on. */
  stage: ((row: Row, context: SegmentContext) => Promise<void> | void) | undefined;
  /** Called by the sink, and awaited, after each row was noted. */
  sink: ((row: Row, context: SegmentContext) => Promise<unknown> | void) | undefined;
  /** The sink ends after this many rows. */
  sinkStopsAfter = Number.POSITIVE_INFINITY;
}

const boards = new Map<string, Board>();
let lastRun = 0;

/** A board for one run, and the arguments that lead its segments to it. */
export function newBoard(name?: string): { readonly board: Board; readonly run: string } {
  const board = new Board();
  const run = name ?? `run-${++lastRun}`;
  boards.set(run, board);
  return { board, run };
}

export function boardOf(run: string): Board {
  const board = boards.get(run);
  if (board === undefined) throw new Error(`there is no ${run}`);
  return board;
}
