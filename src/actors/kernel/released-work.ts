import { StoppedError } from '../../errors.js';
import type { AnyMethod } from '../../protocol/index.js';
import type { Actor } from './actor.js';
import { type Delivery, isAsk } from './delivery.js';

/**
 * The rest of a handler that waits for its next request. It does not hold the mailbox: the actor handles other messages meanwhile. The handler
 * goes on in a turn of its own, for which this is the entry in the mailbox.
 *
 *     handler runs --- next() --> released --- an element, or the end --> queued --- its turn --> handler runs
 */
export class ReleasedWork implements Delivery {
  readonly deadlineMs = Number.MAX_VALUE;
  readonly chain = undefined;
  readonly meta = undefined;
  readonly sender = undefined;
  readonly sizeBytes = 0;
  readonly isOfStream = true;
  readonly isPull = true;
  /** The handler's promise. */
  readonly work: Promise<unknown>;
  /** The message that it handles. */
  readonly call: Delivery;
  readonly #cell: Actor;
  readonly #method: AnyMethod;
  #state: 'released' | 'queued' | 'resumed' = 'released';
  /** Handles the result of a handler that did not wait for its next request. */
  #finish: (() => void) | undefined = undefined;
  readonly #waiters: (() => void)[] = [];

  constructor(cell: Actor, method: AnyMethod, work: Promise<unknown>, call: Delivery) {
    this.#cell = cell;
    this.#method = method;
    this.work = work;
    this.call = call;
  }

  get isReleased(): boolean {
    return this.#state !== 'resumed';
  }

  /** Resolves when the handler may go on: in its turn, or at once when the actor stops or restarts. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      this.#queue();
    });
  }

  /** The handler's promise has settled before its turn: `finish` handles the result in that turn. */
  settled(finish: () => void): void {
    this.#finish = finish;
    this.#queue();
  }

  /** Its entry has left the mailbox. */
  takeTurn(): void {
    const cell = this.#cell;
    if (this.isReleased) {
      cell.cold?.streams.reading?.released.delete(this.work);
      if (this.#finish === undefined) cell.handlesOn(this.call, this.work);
      this.resume();
    }
  }

  /** The handler goes on now. */
  resume(): void {
    this.#state = 'resumed';
    const finish = this.#finish;
    this.#finish = undefined;
    finish?.();
    for (const go of this.#waiters.splice(0)) go();
  }

  reply(): void {}

  /** The mailbox was emptied, because the actor stops. */
  fail(): void {
    this.resume();
  }

  #queue(): void {
    if (this.#state === 'queued') return;
    if (this.#state === 'released' && this.#cell.queueTurn(this.#method, this)) this.#state = 'queued';
    else this.resume();
  }
}

/** The handler of `call` waits for its next request: releases the mailbox. Undefined where that handler does not hold it, or too many wait. */
export function releaseWork(cell: Actor, method: AnyMethod, call: Delivery): ReleasedWork | undefined {
  const { pending } = cell;
  const waiting = cell.cold?.streams.reading?.released;
  if (waiting === undefined || pending === undefined || cell.current !== call || cell.phase !== 'running')
    return undefined;
  if (waiting.size >= cell.kernel.limits.actorStreams) return undefined;
  const released = new ReleasedWork(cell, method, pending, call);
  waiting.set(pending, released);
  cell.release();
  return released;
}

/** The promise of a released handler has settled. `finish` handles its result while `cell.current` is its message. */
export function settleReleased(cell: Actor, work: Promise<unknown>, finish: () => void): void {
  const released = cell.cold?.streams.reading?.released.get(work);
  released?.settled(() => {
    cell.cold?.streams.reading?.released.delete(work);
    const { current } = cell;
    cell.handles(released.call);
    finish();
    cell.handles(current);
  });
}

/** The actor stops or restarts: waits for its released handlers, which have `stopTimeoutMs`. True when it must wait. */
export function awaitReleased(cell: Actor): boolean {
  const reading = cell.cold?.streams.reading;
  if (reading === undefined) return false;
  if (reading.released.size > 0 && !reading.isAwaited) {
    reading.awaits(true);
    cell.suspend(Promise.allSettled(reading.released.keys()), 'the end of handlers that read requests', () => {});
    return true;
  }
  reading.awaits(false);
  const error = new StoppedError(`${cell.path} has stopped before its handler settled`);
  for (const { call } of reading.released.values()) if (isAsk(call)) call.fail(error);
  reading.released.clear();
  return false;
}
