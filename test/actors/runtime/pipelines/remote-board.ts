/** Boards of a test for segments that run on other threads and in other processes: a socket for each segment, calls in both directions. */
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import type { Output, SegmentContext } from '#src/actors/runtime/index.js';
import { silentLogger } from '#src/logging/index.js';
import type { Row } from '../row.js';
import { type Board, boardOf, type Note, type Place, type SegmentBoard } from './board.js';
import { Wire } from './wire.js';

/** What a segment says to the test. */
type FromSegment =
  | { readonly says: 'here is'; readonly run: string; readonly place: Place }
  | { readonly says: 'note'; readonly note: Note }
  | { readonly says: 'do source' }
  | { readonly says: 'do stage' | 'do sink'; readonly row: Row }
  | { readonly says: 'that was all' };

/** What the source of a test says to its segment. */
interface FromTest {
  readonly write: Partial<Row>;
}

interface Welcome {
  readonly givesSource: boolean;
  readonly givesStage: boolean;
  readonly givesSink: boolean;
  /** JSON knows no infinity. */
  readonly sinkStopsAfter: number | null;
}

/** By a segment: its board, at the socket where its test serves it. */
export async function findBoard(path: string, run: string, context: SegmentContext): Promise<SegmentBoard> {
  const socket = createConnection(path);
  let output: Output<Partial<Row>> | undefined;
  const wire = new Wire<FromSegment, FromTest>(socket, ({ write }) => output?.write(write));
  const { segment, instance, partition } = context;
  const welcome = (await wire.ask({ says: 'here is', run, place: { segment, instance, partition } })) as Welcome;
  return {
    note: (note) => wire.tell({ says: 'note', note }),
    source: welcome.givesSource
      ? async (given) => {
          output = given;
          await wire.ask({ says: 'do source' });
        }
      : undefined,
    stage: (row) => (welcome.givesStage ? wire.ask({ says: 'do stage', row }) : undefined),
    sink: (row) => (welcome.givesSink ? wire.ask({ says: 'do sink', row }) : undefined),
    sinkStopsAfter: welcome.sinkStopsAfter ?? Number.POSITIVE_INFINITY,
    async leave() {
      await wire.ask({ says: 'that was all' });
      socket.end();
    },
  };
}

/** By a test: serves its boards at a socket. */
export class BoardServer {
  readonly path: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(path: string) {
    this.path = path;
    this.#server = createServer((socket) => this.#accept(socket)).listen(path);
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    const abort = new AbortController();
    let seat: { readonly board: Board; readonly context: SegmentContext } | undefined;
    const wire: Wire<FromTest, FromSegment> = new Wire(socket, (said: FromSegment): unknown => {
      if (said.says === 'here is') {
        seat = seatOf(said.run, said.place, abort.signal);
        return welcomeOf(seat.board);
      }
      if (seat === undefined) throw new Error('a segment must say first which it is');
      const { board, context } = seat;
      switch (said.says) {
        case 'note':
          board.note(said.note, context);
          return said.note.what === 'aborted' && abort.abort(said.note.reason);
        case 'do source':
          return board.source?.({ write: (row) => wire.ask({ write: row }) as Promise<void> }, context);
        case 'do stage':
          return board.stage?.(said.row, context);
        case 'do sink':
          return board.sink?.(said.row, context);
        case 'that was all':
          return undefined;
      }
    });
    socket.on('close', () => {
      this.#sockets.delete(socket);
      // Its thread or process may have ended before the segment had.
      abort.abort(new Error('the segment is gone'));
    });
  }
}

function seatOf(run: string, place: Place, signal: AbortSignal) {
  const board = boardOf(run);
  if (board === undefined) throw new Error(`there is no ${run}`);
  const context: SegmentContext = { ...place, signal, log: silentLogger, outside: (work) => work };
  return { board, context };
}

function welcomeOf({ source, stage, sink, sinkStopsAfter }: Board): Welcome {
  return {
    givesSource: source !== undefined,
    givesStage: stage !== undefined,
    givesSink: sink !== undefined,
    sinkStopsAfter: Number.isFinite(sinkStopsAfter) ? sinkStopsAfter : null,
  };
}
