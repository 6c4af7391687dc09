import type { ActorNode, ActorObserver } from '../kernel/index.js';
import { type Awaited, WaitMarks } from './wait-marks.js';

/** What one actor has done since it is measured. */
export interface Work {
  handled: number;
  busyMs: number;
  failures: number;
  lastFailure: string;
}

const NONE: Readonly<Work> = { handled: 0, busyMs: 0, failures: 0, lastFailure: '' };
const FAILURE_CHARACTERS = 500;

type Directive = Parameters<ActorObserver['failed']>[2];

/** What happens to actors, besides their turns. */
export interface ActorEvents {
  started(actor: ActorNode): void;
  stopped(actor: ActorNode): void;
  failed(actor: ActorNode, error: Error, directive: Directive): void;
  askTimedOut(method: string, target: string, error: Error): void;
}

/** Measures the work of each actor. */
export class ActorMeter implements ActorObserver {
  /** An actor that has stopped is forgotten with its cell. */
  readonly #work = new WeakMap<object, Work>();
  readonly #events: ActorEvents;
  readonly #marks: WaitMarks;

  constructor(events: ActorEvents, now: () => number) {
    this.#events = events;
    this.#marks = new WaitMarks(now);
  }

  of(actor: ActorNode): Readonly<Work> {
    return this.#work.get(actor) ?? NONE;
  }

  tookTurn(actor: object, messages: number, ms: number): void {
    const work = this.#of(actor);
    work.handled += messages;
    work.busyMs += ms;
  }

  awaits(actor: ActorNode, what: string): void {
    this.#marks.awaits(actor, what);
  }

  askTimedOut(method: string, target: string, error: Error): void {
    this.#events.askTimedOut(method, target, error);
  }

  /** What the handler of an actor waits in, and for how long at least; undefined while it waits for nothing. */
  awaited(actor: ActorNode): Awaited | undefined {
    return this.#marks.awaited(actor);
  }

  /** Time in ms that the oldest message of an actor has waited at least. Looks at it anew: the more often, the better it is known. */
  waitedMs(actor: ActorNode): number {
    return this.#marks.waitedMs(actor, this.of(actor).handled);
  }

  started(actor: ActorNode): void {
    this.#events.started(actor);
  }

  stopped(actor: ActorNode): void {
    this.#events.stopped(actor);
  }

  failed(actor: ActorNode, error: Error, directive: Directive): void {
    const work = this.#of(actor);
    work.failures++;
    work.lastFailure = error.message.slice(0, FAILURE_CHARACTERS);
    this.#events.failed(actor, error, directive);
  }

  #of(actor: object): Work {
    let work = this.#work.get(actor);
    if (work === undefined) {
      work = { ...NONE };
      this.#work.set(actor, work);
    }
    return work;
  }
}
