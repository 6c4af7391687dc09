import type { Row } from '../row.js';
import type { Output, SegmentContext } from '#src/actors/runtime/index.js';

/** What the segments of one run of `flow` leave for the test that started it, which it may be told from another thread or process. */
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

  note(note: Note, { segment, instance, partition }: Place): void {
    switch (note.what) {
      case 'started':
        push(this.places, segment, partition);
        if (segment !== 'source') return;
        this.starts++;
        this.sunk.length = 0;
        return;
      case 'accepted':
        this.accepted++;
        return;
      case 'staged':
        return push(this.staged, instance, note.row.id);
      case 'sunk':
        this.sunk.push(note.row);
        return push(this.sunkBy, instance, note.row.id);
      case 'aborted':
        this.aborted.push(note.reason);
    }
  }
}

export type Note =
  | { readonly what: 'started' | 'accepted' }
  | { readonly what: 'staged' | 'sunk'; readonly row: Row }
  | { readonly what: 'aborted'; readonly reason: unknown };

/** Which segment it is that writes on a board. */
export type Place = Pick<SegmentContext, 'segment' | 'instance' | 'partition'>;

/** A board as one segment has it, wherever that runs. */
export interface SegmentBoard {
  note(note: Note): void;
  /** Does what the test gives the segment to do; the source of a test without that does its own work. */
  readonly source: ((output: Output<Partial<Row>>) => Promise<void>) | undefined;
  stage(row: Row): Promise<unknown> | void;
  sink(row: Row): Promise<unknown> | void;
  readonly sinkStopsAfter: number;
  /** Resolves when the board has everything that was noted. */
  leave?(): Promise<void>;
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

/** Undefined on any thread but that of the test. */
export function boardOf(run: string): Board | undefined {
  return boards.get(run);
}

/** The board of a segment that runs on the thread of the test. */
export function nearBoard(board: Board, context: SegmentContext): SegmentBoard {
  return {
    note: (note) => board.note(note, context),
    get source() {
      const { source } = board;
      return source && ((output: Output<Partial<Row>>) => source(output, context));
    },
    stage: (row) => board.stage?.(row, context),
    sink: (row) => board.sink?.(row, context),
    get sinkStopsAfter() {
      return board.sinkStopsAfter;
    },
  };
}

function push<Key>(lists: Map<Key, number[]>, key: Key, value: number): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
