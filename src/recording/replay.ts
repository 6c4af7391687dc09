import type { AnyBehavior } from '../actors/kernel/index.js';
import { ProtocolError } from '../errors.js';
import { messageOf } from '../foreign.js';
import { encode, v1 } from '../protocol/index.js';
import { RealScheduler } from '../scheduler/index.js';
import { type DoneThing, type Life, type RecordedThing, ReplayedLife } from './replayed-life.js';
import { ReplayedScheduler } from './replayed-scheduler.js';
import { ReplayedSegment, type SegmentToReplay } from './replayed-segment.js';

export interface ReplayOptions {
  /** Called before each thing that came is handed over: the place for a debugger to stop. `index` is that of the event. */
  readonly before?: (event: v1.RecordedEvent, index: number) => void;
  /** Time for real work that the behavior waits for, ms. Default 10 000. */
  readonly outsideMs?: number;
}

/** Where the behavior first did something else. */
export interface Difference {
  /** Of the event in question, counted from 0 among those of the actor. */
  readonly index: number;
  /** Scheduler time of the recorded run. */
  readonly atMs: number;
  /** What came before it: what the actor was dealing with. */
  readonly during: v1.RecordedEvent | undefined;
  /** Undefined: nothing more was recorded here. */
  readonly recorded: RecordedThing | undefined;
  /** Undefined: it did nothing. */
  readonly done: RecordedThing | undefined;
  /** Said where neither of both explains it. */
  readonly message?: string;
}

/** What came to an actor; the rest is what it did. */
const INPUTS: ReadonlySet<RecordedThing['case']> = new Set([
  'start',
  'message',
  'timerFired',
  'terminated',
  'answer',
  'draw',
  'stopping',
  'idle',
  'pulled',
  'cancelled',
  'element',
]);

/**
 * Hands a behavior, alone, everything that came to one recorded actor, in the same order, and compares what it does with what was
 * recorded. Resolves to the first difference, or undefined when there is none.
 */
export function replay(
  behavior: AnyBehavior,
  events: readonly v1.RecordedEvent[],
  options: ReplayOptions = {},
): Promise<Difference | undefined> {
  const begin: Begin = (start, life, scheduler, done) => {
    const children = life.flatMap(({ event }) => (event.case === 'spawned' ? [event.value] : []));
    return new ReplayedLife(behavior, start, children, scheduler, done);
  };
  return new Replay(begin, events, options).run();
}

/** As `replay`, for the code of a segment. */
export function replaySegment(
  replayed: SegmentToReplay,
  events: readonly v1.RecordedEvent[],
  options: ReplayOptions = {},
): Promise<Difference | undefined> {
  const begin: Begin = ({ segment }, _life, scheduler, done) => {
    if (segment === undefined) throw new ProtocolError('an actor was recorded, no segment');
    return new ReplayedSegment(replayed, segment, scheduler, done);
  };
  return new Replay(begin, events, options).run();
}

/** Makes what is replayed after a start. `life` is what was recorded up to the next one. */
type Begin = (
  start: v1.RecordedStart,
  life: readonly v1.RecordedEvent[],
  scheduler: ReplayedScheduler,
  done: (thing: DoneThing) => void,
) => Life;

class Replay {
  readonly #makeLife: Begin;
  readonly #events: readonly v1.RecordedEvent[];
  readonly #options: ReplayOptions;
  readonly #clock = new RealScheduler();
  /** What was done and was not compared yet. */
  readonly #done: DoneThing[] = [];
  #scheduler = new ReplayedScheduler([]);
  #life: Life | undefined;
  #during: v1.RecordedEvent | undefined;

  constructor(makeLife: Begin, events: readonly v1.RecordedEvent[], options: ReplayOptions) {
    this.#makeLife = makeLife;
    this.#events = events;
    this.#options = options;
  }

  async run(): Promise<Difference | undefined> {
    for (const [index, event] of this.#events.entries()) {
      const difference = INPUTS.has(event.event.case)
        ? await this.#give(event, index)
        : await this.#compare(event, index);
      if (difference !== undefined) return difference;
    }
    return this.#surplus(this.#events.length, this.#events.at(-1));
  }

  async #give(event: v1.RecordedEvent, index: number): Promise<Difference | undefined> {
    if (event.event.case === 'draw') return undefined;
    const surplus = this.#surplus(index, event);
    if (surplus !== undefined) return surplus;
    this.#options.before?.(event, index);
    this.#during = event;
    try {
      if (event.event.case === 'start') this.#begin(event.event.value, index);
      else this.#life?.give(event.event);
    } catch (error) {
      const message = messageOf(error);
      return { index, atMs: event.atMs, during: event, recorded: event.event, done: undefined, message };
    }
    await this.#settle();
    return undefined;
  }

  #begin(start: v1.RecordedStart, index: number): void {
    const life = this.#lifeFrom(index + 1);
    const draws = life.flatMap(({ event }) => (event.case === 'draw' ? [event.value] : []));
    this.#scheduler = new ReplayedScheduler(draws);
    this.#life = this.#makeLife(start, life, this.#scheduler, (thing) => void this.#done.push(thing));
    this.#life.start();
  }

  /** The events up to the next start. */
  #lifeFrom(index: number): readonly v1.RecordedEvent[] {
    const end = this.#events.findIndex(({ event }, at) => at >= index && event.case === 'start');
    return this.#events.slice(index, end === -1 ? undefined : end);
  }

  async #compare({ atMs, event: recorded }: v1.RecordedEvent, index: number): Promise<Difference | undefined> {
    await this.#untilDone();
    const next = this.#done.shift();
    const done = next === undefined ? undefined : v1.RecordedEvent.create({ event: next }).event;
    if (done !== undefined && isSame(recorded, done)) return undefined;
    return { index, atMs, during: this.#during, recorded, done };
  }

  /** Something that the behavior did beyond what was recorded. */
  #surplus(index: number, before: v1.RecordedEvent | undefined): Difference | undefined {
    const atMs = before?.atMs ?? 0;
    const [extra] = this.#done;
    if (extra !== undefined) {
      const done = v1.RecordedEvent.create({ event: extra }).event;
      return { index, atMs, during: this.#during, recorded: undefined, done };
    }
    if (this.#scheduler.unrecorded === 0) return undefined;
    const message = 'it asked for time or chance more often than it was recorded to';
    return { index, atMs, during: this.#during, recorded: undefined, done: undefined, message };
  }

  /** Waits for real work of the behavior, as long as it is that which keeps it from going on. */
  async #untilDone(): Promise<void> {
    const deadlineMs = this.#clock.now() + (this.#options.outsideMs ?? 10_000);
    while (this.#done.length === 0 && this.#scheduler.outsideWork > 0 && this.#clock.now() < deadlineMs) {
      await this.#settle();
    }
  }

  /** Lets promises settle. */
  #settle(): Promise<void> {
    return new Promise((resolve) => this.#clock.scheduleYield(resolve));
  }
}

/** Their bytes are the same. */
function isSame(one: RecordedThing, other: RecordedThing): boolean {
  return Buffer.compare(bytesOf(one), bytesOf(other)) === 0;
}

function bytesOf(event: RecordedThing): Uint8Array {
  return encode(v1.RecordedEvent, { actor: 0, atMs: 0, event });
}
