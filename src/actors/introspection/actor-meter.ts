import type { ActorNode, ActorObserver } from '../kernel/index.js';

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
}

/** Measures the work of each actor. */
export class ActorMeter implements ActorObserver {
  /** An actor that has stopped is forgotten with its cell. */
  readonly #work = new WeakMap<object, Work>();
  readonly #events: ActorEvents;

  constructor(events: ActorEvents) {
    this.#events = events;
  }

  of(actor: ActorNode): Readonly<Work> {
    return this.#work.get(actor) ?? NONE;
  }

  tookTurn(actor: object, messages: number, ms: number): void {
    const work = this.#of(actor);
    work.handled += messages;
    work.busyMs += ms;
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
