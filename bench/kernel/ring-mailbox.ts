// The limit: a minimal actor with a mailbox and a handler. It has no names, errors, deadlines, bounds or supervision.

/** A ring buffer that doubles on demand. One slot is always free. */
class Ring<T> {
  #slots: (T | undefined)[] = Array.from<T | undefined>({ length: 16 });
  #mask = 15;
  #head = 0;
  #tail = 0;

  get isEmpty(): boolean {
    return this.#head === this.#tail;
  }

  push(item: T): void {
    this.#slots[this.#tail] = item;
    this.#tail = (this.#tail + 1) & this.#mask;
    if (this.#tail === this.#head) this.#grow();
  }

  shift(): T | undefined {
    const head = this.#head;
    if (head === this.#tail) return undefined;
    const item = this.#slots[head];
    this.#slots[head] = undefined;
    this.#head = (head + 1) & this.#mask;
    return item;
  }

  #grow(): void {
    const size = this.#slots.length;
    const grown = [...this.#slots.slice(this.#head), ...this.#slots.slice(0, this.#head)];
    for (let free = 0; free < size; free++) grown.push(undefined);
    this.#slots = grown;
    this.#head = 0;
    this.#tail = size;
    this.#mask = size * 2 - 1;
  }
}

/** Most messages that one actor handles before the next actor runs, and most that all handle before the event loop continues. */
const ACTOR_BUDGET = 1_024;
const TURN_BUDGET = 16_384;

const runQueue = new Ring<{ turn(): number }>();
let isArmed = false;

function enqueue(actor: { turn(): number }): void {
  runQueue.push(actor);
  if (isArmed) return;
  isArmed = true;
  queueMicrotask(drain);
}

function drain(): void {
  let left = TURN_BUDGET;
  while (left > 0 && !runQueue.isEmpty) left -= runQueue.shift()?.turn() ?? 0;
  isArmed = !runQueue.isEmpty;
  if (isArmed) setImmediate(drain);
}

export class RingActor<Message> {
  readonly #handle: (message: Message) => unknown;
  #mailbox: Ring<Message> | undefined = undefined;
  #isQueued = false;

  constructor(handle: (message: Message) => unknown) {
    this.#handle = handle;
  }

  tell(message: Message): void {
    this.#mailbox ??= new Ring();
    this.#mailbox.push(message);
    if (this.#isQueued) return;
    this.#isQueued = true;
    enqueue(this);
  }

  /** Handles queued messages within the budget. If a handler returns a promise, the actor handles nothing until it settles. */
  turn(): number {
    const mailbox = this.#mailbox;
    let used = 0;
    while (mailbox !== undefined && used < ACTOR_BUDGET) {
      const message = mailbox.shift();
      if (message === undefined) break;
      used++;
      const result = this.#handle(message);
      if (result instanceof Promise) {
        void result.finally(() => enqueue(this));
        return used;
      }
    }
    if (mailbox === undefined || mailbox.isEmpty) this.#isQueued = false;
    else runQueue.push(this);
    return used;
  }
}
