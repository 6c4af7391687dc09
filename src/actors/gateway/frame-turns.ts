import { RingQueue } from '../../ring-queue.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { FrameSocket } from './outgoing.js';

/** Frames of one connection that are handled before those of the next one. */
const FRAMES = 32;

/** Has frames that wait. */
interface Waiting {
  /** Handles so many frames at most. Returns true when there may be more to do in the next turn. */
  takeTurn(): boolean;
}

/** The connections of one gateway take turns, with I/O and the actors of the partition between them: a flood of one client costs its own connection. */
export class FrameTurns {
  readonly #scheduler: Scheduler;
  readonly #waiting = new RingQueue<Waiting>();
  #isScheduled = false;
  readonly #run = (): void => this.#runOnce();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  add(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#scheduler.scheduleYield(this.#run);
  }

  #runOnce(): void {
    this.#isScheduled = false;
    for (let left = this.#waiting.size; left > 0; left--) {
      const waiting = this.#waiting.shift();
      if (waiting?.takeTurn() === true) this.#waiting.push(waiting);
    }
    if (this.#waiting.size > 0) this.#schedule();
  }
}

/** The frames of one connection: those of one turn are handled as they come, and more wait while the socket is not read. */
export class FrameInbox implements Waiting {
  readonly #turns: FrameTurns;
  readonly #socket: Pick<FrameSocket, 'pause' | 'resume'>;
  readonly #handle: (frame: Uint8Array) => void;
  readonly #frames = new RingQueue<Uint8Array>();
  /** Frames that were handled since its last turn. */
  #handled = 0;
  /** It has a place among the turns. */
  #isQueued = false;
  /** Frames are not handled until `resume`. */
  #isHeld = false;
  #isPaused = false;
  #isOver = false;

  constructor(turns: FrameTurns, socket: Pick<FrameSocket, 'pause' | 'resume'>, handle: (frame: Uint8Array) => void) {
    this.#turns = turns;
    this.#socket = socket;
    this.#handle = handle;
  }

  /** The socket is not read now. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  push(frame: Uint8Array): void {
    if (this.#isOver) return;
    if (this.#frames.size > 0 || this.#handled >= FRAMES || this.#isHeld) {
      // A socket that pauses still brings what it has read.
      this.#frames.push(frame);
      this.#pauseSocket();
    } else {
      this.#next(frame);
    }
    if (!this.#isHeld) this.#queue();
  }

  pause(): void {
    this.#isHeld = true;
    this.#pauseSocket();
  }

  resume(): void {
    this.#isHeld = false;
    if (this.#frames.size > 0) this.#queue();
    else this.#resumeSocket();
  }

  /** Drops what waits. */
  end(): void {
    this.#isOver = true;
    this.#frames.clear();
  }

  takeTurn(): boolean {
    this.#handled = 0;
    while (this.#handled < FRAMES && !this.#isHeld) {
      const frame = this.#frames.shift();
      if (frame === undefined) break;
      this.#next(frame);
    }
    if (this.#frames.size === 0 && !this.#isHeld && !this.#isOver) this.#resumeSocket();
    this.#isQueued = this.#handled > 0 && !this.#isOver;
    return this.#isQueued;
  }

  #next(frame: Uint8Array): void {
    this.#handled++;
    this.#handle(frame);
  }

  #queue(): void {
    if (this.#isQueued || this.#isOver) return;
    this.#isQueued = true;
    this.#turns.add(this);
  }

  #pauseSocket(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  #resumeSocket(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
  }
}
