import { AskTimeoutError, BackpressureError, ConfigError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Ref } from '../../protocol/index.js';
import type { Context, MessageLink } from '../kernel/index.js';
import { LinkShares } from './link-shares.js';

/** Longest time in ms that a name is waited for, whatever the deadline of the lookup. */
const LONGEST_WAIT_MS = 60_000;

interface Waiting<Found> {
  readonly settle: (found: Found) => void;
}

/** Of what is found: the error with which it is refused, or undefined. */
type Check<Found> = (found: Found) => ConfigError | undefined;

/** What is looked up; without a service, the actor may have any. */
export interface Wanted {
  readonly name: string;
  readonly service: string;
}

/** The error of a lookup that finds an actor of another service: it names both. Undefined where the service is right. */
export function refusalOf({ name, service }: Wanted, ref: Ref): ConfigError | undefined {
  if (service === '' || ref.service === service) return undefined;
  return new ConfigError(
    `The name "${name}" is that of an actor of ${ref.service}, not of ${service}: look it up with its service, or look up another name.`,
  );
}

/**
 * Requests that wait for a name: lookups of names that no actor has yet, or those who follow a name. Each has a timer, which goes with it. No
 * step depends on their number.
 */
export class WaitingLookups<Found = Ref> {
  readonly #context: Context;
  readonly #byName = new Map<string, Set<Waiting<Found>>>();
  readonly #shares = new LinkShares();

  constructor(context: Context) {
    this.#context = context;
  }

  /**
   * Resolves when `appeared` is called for the name. Rejects with the error of `check`, and with AskTimeoutError at `askedUntilMs`, when the
   * asker does not wait any more. `link`: over which the request arrived. Throws BackpressureError when `waitingLookups` of this link wait already.
   */
  wait(name: string, askedUntilMs: number, link: MessageLink | undefined, check?: Check<Found>): Promise<Found> {
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
      const settle = (found: Found): void => {
        this.#context.cancel(timer);
        ended();
        const refusal = check?.(found);
        if (refusal === undefined) resolve(found);
        else reject(refusal);
      };
      const waiting: Waiting<Found> = { settle };
      this.#shares.take(link);
      const others = this.#byName.get(name);
      if (others === undefined) this.#byName.set(name, new Set([waiting]));
      else others.add(waiting);
    });
  }

  appeared(name: string, found: Found): void {
    for (const { settle } of this.#byName.get(name) ?? []) settle(found);
  }

  #remove(name: string, waiting: Waiting<Found>): void {
    const waitingForName = this.#byName.get(name);
    waitingForName?.delete(waiting);
    if (waitingForName?.size === 0) this.#byName.delete(name);
  }
}
