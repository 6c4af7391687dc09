import { limits } from '../../limits.js';
import { RingQueue } from '../../ring-queue.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { AsyncContexts } from './async-contexts.js';
import type { ActorObserver } from './observer.js';

/** Messages of one actor between two looks at the clock, which takes as long as a tell. */
const SLICE = 64;

/** An actor's cell, which takes turns. */
export interface TurnTaker {
  /** The dispatcher says whether it is in the run queue, or takes its turn. */
  queued(isQueued: boolean): void;
  /** Handles up to `budget` messages and returns their number; fewer means that it has nothing more to do now. */
  takeTurn(budget: number): number;
}

/**
 * The run queue of one partition. One scheduled turn drains it, actor by actor, with at most `throughput` messages for each before the
 * next. After `turnBudget` messages, or `turnMs`, it yields to the event loop, also when many short turns have handled them.
 */
export class Dispatcher {
  #handled = 0;
  #isArmed = false;
  readonly #queue = new RingQueue<TurnTaker>();
  /** The actor whose turn ends early. */
  #cut: TurnTaker | undefined = undefined;
  #left: number;
  /** Since when the event loop waits, in ms; undefined until a slice of messages was handled after its last turn. */
  #heldSinceMs: number | undefined = undefined;
  readonly #scheduler: Scheduler;
  readonly #throughput: number;
  readonly #turnBudget: number;
  readonly #contexts: AsyncContexts;
  #observer: Pick<ActorObserver, 'tookTurn'> | undefined = undefined;
  readonly #inTurn = (): void => this.#runTurn();
  readonly #turn: () => void = () => {
    if (this.#contexts.isInUse) this.#contexts.run(undefined, this.#inTurn);
    else this.#runTurn();
  };
  readonly #freshTurn: () => void = () => {
    this.#left = this.#turnBudget;
    this.#cut = undefined;
    this.#heldSinceMs = undefined;
    this.#turn();
  };

  /** Turns run in the outermost of the `contexts`. `run`, where it is given, runs each turn. */
  constructor(
    scheduler: Scheduler,
    throughput: number,
    turnBudget: number,
    contexts: AsyncContexts,
    run?: (turn: () => void) => void,
  ) {
    this.#scheduler = scheduler;
    this.#contexts = contexts;
    if (run !== undefined) {
      const turn = this.#turn;
      this.#turn = () => run(turn);
    }
    this.#throughput = throughput;
    this.#turnBudget = turnBudget;
    this.#left = turnBudget;
  }

  /** Messages handled since the start. */
  get handled(): number {
    return this.#handled;
  }

  /** A turn is scheduled, or runs. */
  get isArmed(): boolean {
    return this.#isArmed;
  }

  /** Measures each turn for `observer` from now on; undefined: none. */
  observe(observer: Pick<ActorObserver, 'tookTurn'> | undefined): void {
    this.#observer = observer;
  }

  add(taker: TurnTaker): void {
    taker.queued(true);
    this.#queue.push(taker);
    if (!this.#isArmed) this.#arm();
  }

  /** Yields to the event loop after the turn of this actor, which has more to do. */
  yieldAfter(taker: TurnTaker): void {
    this.#cut = taker;
    this.#left = 0;
  }

  /** A turn has handled so many more messages than it was counted for. `isLong`: the event loop should have its turn now. */
  spent(messages: number, isLong: boolean): void {
    this.#handled += messages;
    this.#left = isLong ? 0 : this.#left - messages;
  }

  #arm(): void {
    this.#isArmed = true;
    this.#contexts.lookOnce();
    if (this.#left > 0) this.#scheduler.schedule(this.#turn);
    else this.#scheduler.scheduleYield(this.#freshTurn);
  }

  #runTurn(): void {
    let taker: TurnTaker | undefined;
    try {
      while (this.#queue.size > 0 && this.#left > 0) {
        taker = this.#queue.shift();
        if (taker === undefined) break;
        if (this.#hasMoreAfterTurn(taker)) this.#queue.push(taker);
        else taker.queued(false);
        taker = undefined;
      }
    } finally {
      // No turn should throw. If one does, the scheduler reports it, and the other actors continue.
      if (taker !== undefined) taker.queued(false);
      if (this.#queue.size > 0) this.#arm();
      else this.#isArmed = false;
      this.#contexts.turnEnded();
    }
  }

  /** Gives one actor its turn, in slices after which the clock is read. */
  #hasMoreAfterTurn(taker: TurnTaker): boolean {
    for (let handled = 0; handled < this.#throughput && this.#left > 0; handled += SLICE) {
      const slice = Math.min(SLICE, this.#throughput - handled);
      const used = this.#observer === undefined ? taker.takeTurn(slice) : this.#measured(this.#observer, taker, slice);
      this.#handled += used;
      this.#left -= used;
      if (used < slice) return this.#left <= 0 && this.#cut === taker;
      this.#yieldWhenDue();
    }
    return true;
  }

  #measured(observer: Pick<ActorObserver, 'tookTurn'>, taker: TurnTaker, slice: number): number {
    const beganMs = this.#scheduler.now();
    const used = taker.takeTurn(slice);
    observer.tookTurn(taker, used, this.#scheduler.now() - beganMs);
    return used;
  }

  /** The event loop has its turn when messages have held it for `turnMs`. On virtual time that takes no time. */
  #yieldWhenDue(): void {
    const nowMs = this.#scheduler.now();
    if (this.#heldSinceMs === undefined) this.#heldSinceMs = nowMs;
    else if (nowMs - this.#heldSinceMs >= limits.turnMs) this.#left = 0;
  }
}
