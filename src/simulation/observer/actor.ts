import { type Route, routeKey, type UntypedRef } from '../../actors/kernel/index.js';
import type { Party, Receiver } from './messages.js';

/** An actor whose messages and watches are observed. */
export class ObservedActor implements Receiver {
  readonly name: string;
  readonly host: Party;
  #ref: UntypedRef | undefined;
  #cUid = 0n;

  constructor(name: string, host: Party) {
    this.name = name;
    this.host = host;
  }

  get node(): string {
    return this.host.node;
  }

  /** Its process has ended. */
  get isGone(): boolean {
    return this.host.isGone;
  }

  get cUid(): bigint {
    return this.#cUid;
  }

  /** The reference that is not observed. */
  get ref(): UntypedRef | undefined {
    return this.#ref;
  }

  /** It is spawned; nothing has reached it before. */
  born(ref: UntypedRef): void {
    this.#ref = ref;
    this.#cUid = ref.toRef().cUid;
  }

  /** It takes messages still, or is about to after a restart. */
  async isOpen(): Promise<boolean> {
    const route = this.#ref?.[routeKey];
    return route !== undefined && !(await isClosed(route));
  }
}

/** One that is open and full gives no answer for now. */
async function isClosed(route: Route): Promise<boolean> {
  return Promise.race([
    route.ready().then(
      () => false,
      () => true,
    ),
    // A few turns of promises later: a route that has stopped rejects at once.
    Promise.resolve()
      .then(() => {})
      .then(() => {})
      .then(() => {})
      .then(() => false),
  ]);
}
