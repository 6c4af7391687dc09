import { type Route, routeKey, type UntypedRef } from '../../actors/kernel/index.js';
import type { Party, Receiver } from './message.js';

/** An observed actor: the observer sees its messages and watches. */
export class ObservedActor implements Receiver {
  readonly name: string;
  readonly host: Party;
  #ref: UntypedRef | undefined;
  #cUid = 0n;
  #incarnation = 0n;

  constructor(name: string, host: Party) {
    this.name = name;
    this.host = host;
  }

  get node(): string {
    return this.host.node;
  }

  get endedMs(): number | undefined {
    return this.host.endedMs;
  }

  get cUid(): bigint {
    return this.#cUid;
  }

  get incarnation(): bigint {
    return this.#incarnation;
  }

  /** The reference without the observer. */
  get ref(): UntypedRef | undefined {
    return this.#ref;
  }

  /** It was spawned, and has not received a message yet. */
  spawned(ref: UntypedRef): void {
    this.#ref = ref;
    ({ cUid: this.#cUid, incarnation: this.#incarnation } = ref.toRef());
  }

  /** True if it accepts messages, or will after a restart. */
  async isOpen(): Promise<boolean> {
    const route = this.#ref?.[routeKey];
    return route !== undefined && !(await isClosed(route));
  }
}

/** The `ready` promise of a stopped route rejects at once; that of a full one stays pending. */
async function isClosed(route: Route): Promise<boolean> {
  return Promise.race([
    route.ready().then(
      () => false,
      () => true,
    ),
    // Resolves a few microtasks later, after the rejection of a stopped route.
    Promise.resolve()
      .then(() => {})
      .then(() => {})
      .then(() => {})
      .then(() => false),
  ]);
}
