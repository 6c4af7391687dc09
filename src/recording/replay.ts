import type { AnyBehavior } from '../actors/kernel/index.js';
import { ProtocolError } from '../errors.js';
import { messageOf } from '../foreign.js';
import { encode } from '../protocol/index.js';
import { v1 } from '../protocol/on-demand/index.js';
import { RealScheduler } from '../scheduler/index.js';
import { type EventPayloadInit, type Incarnation, type EventPayload, ReplayedActor } from './replayed-actor.js';
import { recordedArgs } from './recorded-args.js';
import { ReplayedScheduler } from './replayed-scheduler.js';
import { ReplayedSegment, type SegmentToReplay } from './replayed-segment.js';

export interface ReplayOptions {
  /** Called before each input is delivered: set a breakpoint here. `index`: the index of the event. */
  readonly before?: (event: v1.RecordedEvent, index: number) => void;
  /** Longest time to wait for real I/O of the behavior, ms. Default 10 000. */
  readonly outsideMs?: number;
  /** The args of the actor, where the recording could not keep them, because they are not plain data. */
  readonly args?: unknown;
}

/** The first action that differs from the recording. */
export interface Difference {
  /** Index of the event, counted from 0 among the events of the actor. */
  readonly index: number;
  /** Scheduler time of the recorded run. */
  readonly atMs: number;
  /** The last input before it. */
  readonly during: v1.RecordedEvent | undefined;
  /** The recorded action. Undefined: the recording has no action here. */
  readonly recorded: EventPayload | undefined;
  /** The action of the replay. Undefined: there was none. */
  readonly done: EventPayload | undefined;
  /** An explanation, if `recorded` and `done` do not show the difference. */
  readonly message?: string;
}

/** Inputs of an actor. All other events are its actions. */
const INPUTS: ReadonlySet<EventPayload['case']> = new Set([
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
  'requestPulled',
  'requestsCancelled',
  'aborted',
]);

/**
 * Replays one recorded actor: delivers its recorded inputs to a behavior in the same order, and compares the actions with the recorded
 * ones. Resolves to the first difference, or to undefined if there is none. Rejects with ConfigError when the recording could not keep the
 * actor's args, and `args` does not give them.
 */
export async function replay(
  behavior: AnyBehavior,
  events: readonly v1.RecordedEvent[],
  options: ReplayOptions = {},
): Promise<Difference | undefined> {
  const first = events[0]?.event;
  const args = first?.case === 'start' ? recordedArgs(first.value, options.args) : undefined;
  const begin: MakeIncarnation = (start, own, scheduler, done) => {
    const children = own.flatMap(({ event }) => (event.case === 'spawned' ? [event.value] : []));
    return new ReplayedActor(behavior, args, start, children, scheduler, done);
  };
  return new Replay(begin, events, options).run();
}

/** Like `replay`, for the code of a segment. */
export function replaySegment(
  replayed: SegmentToReplay,
  events: readonly v1.RecordedEvent[],
  options: ReplayOptions = {},
): Promise<Difference | undefined> {
  const begin: MakeIncarnation = ({ segment }, _life, scheduler, done) => {
    if (segment === undefined) throw new ProtocolError('the recording is of an actor, not of a segment');
    return new ReplayedSegment(replayed, segment, scheduler, done);
  };
  return new Replay(begin, events, options).run();
}

/** Makes an incarnation after a recorded start. `events`: the recorded events up to the next start. */
type MakeIncarnation = (
  start: v1.RecordedStart,
  events: readonly v1.RecordedEvent[],
  scheduler: ReplayedScheduler,
  done: (event: EventPayloadInit) => void,
) => Incarnation;

class Replay {
  readonly #makeIncarnation: MakeIncarnation;
  readonly #events: readonly v1.RecordedEvent[];
  readonly #options: ReplayOptions;
  readonly #clock = new RealScheduler();
  /** Actions that were not compared yet. */
  readonly #done: EventPayloadInit[] = [];
  #scheduler = new ReplayedScheduler([]);
  #incarnation: Incarnation | undefined;
  #during: v1.RecordedEvent | undefined;

  constructor(makeIncarnation: MakeIncarnation, events: readonly v1.RecordedEvent[], options: ReplayOptions) {
    this.#makeIncarnation = makeIncarnation;
    this.#events = events;
    this.#options = options;
  }

  async run(): Promise<Difference | undefined> {
    for (const [index, event] of this.#events.entries()) {
      const difference = INPUTS.has(event.event.case)
        ? await this.#deliver(event, index)
        : await this.#compare(event, index);
      if (difference !== undefined) return difference;
    }
    return this.#unexpected(this.#events.length, this.#events.at(-1));
  }

  async #deliver(event: v1.RecordedEvent, index: number): Promise<Difference | undefined> {
    if (event.event.case === 'draw') return undefined;
    const unexpected = this.#unexpected(index, event);
    if (unexpected !== undefined) return unexpected;
    this.#options.before?.(event, index);
    this.#during = event;
    try {
      if (event.event.case === 'start') this.#begin(event.event.value, index);
      else this.#incarnation?.deliver(event.event);
    } catch (error) {
      const message = messageOf(error);
      return { index, atMs: event.atMs, during: event, recorded: event.event, done: undefined, message };
    }
    await this.#settle();
    return undefined;
  }

  #begin(start: v1.RecordedStart, index: number): void {
    const events = this.#eventsUntilNextStart(index + 1);
    const draws = events.flatMap(({ event }) => (event.case === 'draw' ? [event.value] : []));
    this.#scheduler = new ReplayedScheduler(draws);
    this.#incarnation = this.#makeIncarnation(start, events, this.#scheduler, (event) => void this.#done.push(event));
    this.#incarnation.start();
  }

  /** The events from `index` up to the next start. */
  #eventsUntilNextStart(index: number): readonly v1.RecordedEvent[] {
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

  /** An action that was not recorded. */
  #unexpected(index: number, before: v1.RecordedEvent | undefined): Difference | undefined {
    const atMs = before?.atMs ?? 0;
    const [extra] = this.#done;
    if (extra !== undefined) {
      const done = v1.RecordedEvent.create({ event: extra }).event;
      return { index, atMs, during: this.#during, recorded: undefined, done };
    }
    if (this.#scheduler.unrecorded === 0) return undefined;
    const message = 'it read the time or random numbers more often than in the recording';
    return { index, atMs, during: this.#during, recorded: undefined, done: undefined, message };
  }

  /** Waits while the behavior is waiting for real I/O, up to `outsideMs`. */
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

/** True if both have the same encoding. */
function isSame(one: EventPayload, other: EventPayload): boolean {
  return Buffer.compare(bytesOf(one), bytesOf(other)) === 0;
}

function bytesOf(event: EventPayload): Uint8Array {
  return encode(v1.RecordedEvent, { actor: 0, atMs: 0, event });
}
