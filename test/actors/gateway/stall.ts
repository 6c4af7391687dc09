import { later, behavior } from '#src/actors/kernel/index.js';
import { Refusal } from '#src/errors.js';
import { Deferred } from '#src/deferred.js';
import { Timestamp } from '#src/protocol/index.js';
import { Listing } from '../transport/errands.js';

/** What the asks of 99 wait for. */
export class Stall {
  /** What was pushed. */
  readonly pushed: number[] = [];
  readonly clients: (string | undefined)[] = [];
  readonly gate = new Deferred<void>();
  /** Asks that have come to the gate. */
  waiting = 0;
  /** Streams that have begun. */
  begun = 0;
  /** Streams that run. */
  listing = 0;
  /** Elements that they have made. */
  listed = 0;

  /** `run` refuses 13, fails at 14, waits for the gate at 99, and else adds 1; `list` counts up to its value, or for ever from 1,000. */
  readonly behavior = behavior(Listing, {
    supervision: 'resume',
    push: (_state, { value }) => void this.pushed.push(value),
    run: (_state, { value, load }, ctx) => {
      this.clients.push(ctx.meta?.['client']);
      if (value === 13) throw new Refusal('UNLUCKY', 'no 13', { type: Timestamp, value: { seconds: 13n } });
      if (value === 14) throw new Error('the password of the database is secret');
      if (value === 99) {
        this.waiting++;
        return later(this.gate.promise.then(() => ({ value: 100 })));
      }
      return { value: value + 1, load };
    },
    list: (_state, { value, load }) => this.#list(value, load),
  });

  async *#list(value: number, load: Uint8Array): AsyncGenerator<{ value: number; load: Uint8Array }> {
    this.begun++;
    this.listing++;
    try {
      for (let count = 0; value >= 1_000 || count < value; count++) {
        this.listed++;
        yield { value: count, load };
      }
    } finally {
      this.listing--;
    }
  }
}
