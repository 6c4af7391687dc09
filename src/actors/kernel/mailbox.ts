import { ConfigError } from '../../errors.js';
import type { AnyMethod } from '../../protocol/index.js';
import type { Delivery } from './delivery.js';

/** What happens to a message for a full mailbox. */
export type Overflow = 'backpressure' | 'drop-newest' | 'drop-oldest';

/** The bounds of one mailbox, in messages. */
export interface MailboxBounds {
  readonly capacity: number;
  /** Above this many, three quarters of the capacity, `tell` returns false. */
  readonly mark: number;
  /** A waiting `ready` is woken at this many or fewer, half of the capacity. */
  readonly resume: number;
  readonly overflow: Overflow;
  /** Messages that the actor may stash at a time. */
  readonly stash: number;
}

/** Throws ConfigError unless `capacity` and `stash` are whole numbers of messages, at least 1. */
export function mailboxBounds(capacity: number, overflow: Overflow, stash: number): MailboxBounds {
  for (const [name, messages] of Object.entries({ capacity, stashCapacity: stash })) {
    if (!Number.isSafeInteger(messages) || messages < 1) {
      throw new ConfigError(`mailbox ${name} must be a whole number of messages, at least 1, not ${messages}`);
    }
  }
  const mark = Math.max(1, Math.floor((capacity * 3) / 4));
  return { capacity, mark, resume: Math.min(Math.floor(capacity / 2), mark - 1), overflow, stash };
}

const SMALLEST = 4;

/**
 * A ring of messages that doubles on demand. A message is three parallel slots, so that a bare tell allocates nothing:
 *
 *     methods     . . M M M . .
 *     messages    . . m m m . .      head ^, size 3
 *     deliveries  . . - d - . .
 */
export class Mailbox {
  size = 0;
  private head = 0;
  private mask = SMALLEST - 1;
  private methods: (AnyMethod | undefined)[] = emptySlots(SMALLEST);
  private messages: unknown[] = emptySlots(SMALLEST);
  private deliveries: (Delivery | undefined)[] = emptySlots(SMALLEST);

  /** Messages that fit before the ring grows. */
  get room(): number {
    return this.mask + 1;
  }

  /** Method of the oldest message; undefined when the mailbox is empty. */
  get method(): AnyMethod | undefined {
    return this.methods[this.head];
  }

  get message(): unknown {
    return this.messages[this.head];
  }

  get delivery(): Delivery | undefined {
    return this.deliveries[this.head];
  }

  /** Method of the message at `index`, 0 for the oldest; undefined past the end. */
  methodAt(index: number): AnyMethod | undefined {
    return this.methods[(this.head + index) & this.mask];
  }

  /** Messages, oldest first. */
  get all(): readonly unknown[] {
    return Array.from({ length: this.size }, (_, index) => this.messages[(this.head + index) & this.mask]);
  }

  /** Looks at every message. */
  hasDelivery(delivery: Delivery): boolean {
    return this.deliveries.includes(delivery);
  }

  push(method: AnyMethod, message: unknown, delivery: Delivery | undefined): void {
    if (this.size > this.mask) this.grow();
    const index = (this.head + this.size) & this.mask;
    this.methods[index] = method;
    this.messages[index] = message;
    this.deliveries[index] = delivery;
    this.size++;
  }

  /** Removes the oldest message. */
  drop(): void {
    const head = this.head;
    this.methods[head] = undefined;
    this.messages[head] = undefined;
    this.deliveries[head] = undefined;
    this.head = (head + 1) & this.mask;
    this.size--;
  }

  /** Moves all messages of `earlier` before its own. */
  prepend(earlier: Mailbox): void {
    while (earlier.size > 0) {
      const last = (earlier.head + earlier.size - 1) & earlier.mask;
      if (this.size > this.mask) this.grow();
      this.head = (this.head - 1) & this.mask;
      this.methods[this.head] = earlier.methods[last];
      this.messages[this.head] = earlier.messages[last];
      this.deliveries[this.head] = earlier.deliveries[last];
      this.size++;
      earlier.methods[last] = undefined;
      earlier.messages[last] = undefined;
      earlier.deliveries[last] = undefined;
      earlier.size--;
    }
  }

  private grow(): void {
    this.methods = unrolled(this.methods, this.head);
    this.messages = unrolled(this.messages, this.head);
    this.deliveries = unrolled(this.deliveries, this.head);
    this.head = 0;
    this.mask = this.methods.length - 1;
  }
}

/** An array of `undefined` has V8's general element kind from the start, which then never changes. */
function emptySlots(count: number): undefined[] {
  return Array.from<undefined>({ length: count });
}

function unrolled<T>(slots: T[], head: number): (T | undefined)[] {
  const count = slots.length;
  const grown: (T | undefined)[] = emptySlots(count * 2);
  for (let index = 0; index < count; index++) grown[index] = slots[(head + index) & (count - 1)];
  return grown;
}

/** Capacity of all kept mailboxes together, in messages: 3 MB. */
const KEPT_ROOM = 131_072;
const KEPT_MAILBOXES = 64;

/** Empty mailboxes without an owner: an idle actor has none, and takes one when a message arrives. */
export class MailboxPool {
  private readonly free: (Mailbox | undefined)[] = emptySlots(KEPT_MAILBOXES);
  private count = 0;
  private room = 0;

  take(): Mailbox {
    if (this.count === 0) return new Mailbox();
    this.count--;
    const mailbox = this.free[this.count] ?? new Mailbox();
    this.room -= mailbox.room;
    return mailbox;
  }

  /** `mailbox` must be empty. Returns what its owner has instead. */
  release(mailbox: Mailbox): undefined {
    const room = this.room + mailbox.room;
    if (this.count === KEPT_MAILBOXES || room > KEPT_ROOM) return undefined;
    this.room = room;
    this.free[this.count] = mailbox;
    this.count++;
    return undefined;
  }
}
