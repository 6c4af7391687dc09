import { AskTimeoutError, BackpressureError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Ref } from '../../protocol/index.js';
import type { Context } from '../kernel/index.js';
import { LinkShares } from './link-shares.js';

/** Longest time in ms that a name is waited for, whatever the deadline of the lookup. */
const LONGEST_WAIT_MS = 60_000;

interface Waiting<Found> {
  readonly found: (found: Found) => void;
}

/** Who waits for a name: lookups of names that no actor has yet, or those who follow a name. Each has a timer, which goes with it. No step depends on their number. */
export class WaitingLookups<Found = Ref> {
  readonly #context: Context;
  readonly #byName = new Map<string, Set<Waiting<Found>>>();
  readonly #shares = new LinkShares();

  constructor(context: Context) {
    this.#context = context;
  }

  /**
   * Resolves when `appeared` is called for the name. AskTimeoutError at `askedUntilMs`, when the asker does not wait any more. `link`: over which the
   * lookup arrived. Throws BackpressureError when `waitingLookups` of this link wait already.
   */
  wait(name: string, askedUntilMs: number, link: object | undefined): Promise<Found> {
    if (this.#shares.of(link) >= limits.waitingLookups) {
      throw new BackpressureError(
        `${limits.waitingLookups} requests of this process wait already for a name (limit waitingLookups).`,
      );
    }
    const { scheduler } = this.#context;
    const waitMs = Math.min(LONGEST_WAIT_MS, Math.max(0, askedUntilMs - scheduler.now()));
    return new Promise<Found>((resolve, reject) => {
      const ended = (): void => {
        this.#remove(name, waiting);
        this.#shares.drop(link);
      };
      const timer = this.#context.after(waitMs, () => {
        ended();
        reject(new AskTimeoutError(`Nothing changed for the name "${name}" before the deadline of the request.`));
      });
      const found = (value: Found): void => {
        this.#context.cancel(timer);
        ended();
        resolve(value);
      };
      const waiting: Waiting<Found> = { found };
      this.#shares.take(link);
      const others = this.#byName.get(name);
      if (others === undefined) this.#byName.set(name, new Set([waiting]));
      else others.add(waiting);
    });
  }

  appeared(name: string, value: Found): void {
    for (const { found } of this.#byName.get(name) ?? []) found(value);
  }

  #remove(name: string, waiting: Waiting<Found>): void {
    const waitingForName = this.#byName.get(name);
    waitingForName?.delete(waiting);
    if (waitingForName?.size === 0) this.#byName.delete(name);
  }
}
