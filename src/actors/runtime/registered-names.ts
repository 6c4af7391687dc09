import { namedMessageOf } from '../../foreign.js';
import type { Logger } from '../../logging/index.js';
import type { ControlPlaneClient } from '../control-plane/index.js';
import { routeKey, type UntypedRef, type Watcher } from '../kernel/index.js';

interface Held {
  readonly ref: UntypedRef;
  readonly watcher: Watcher;
}

/** The names that one process has registered in the cluster. Unregisters a name when its actor ends. */
export class RegisteredNames {
  readonly #client: () => ControlPlaneClient;
  readonly #log: Logger;
  readonly #held = new Map<string, Held>();
  /** Names of ended actors whose unregistration is pending. */
  readonly #leaving = new Map<string, Promise<void>>();

  constructor(client: () => ControlPlaneClient, log: Logger) {
    this.#client = client;
    this.#log = log;
  }

  /** Rejects with ConfigError when another actor has the name. Waits for a pending unregistration of the name first. */
  async register(name: string, ref: UntypedRef): Promise<void> {
    await this.#leaving.get(name);
    await this.#client().registerName(name, ref.toRef());
    const watcher: Watcher = { terminated: () => this.#ended(name, ref) };
    this.#held.set(name, { ref, watcher });
    ref[routeKey].watch(watcher);
  }

  async unregister(name: string, ref: UntypedRef): Promise<void> {
    this.#forget(name, ref);
    await this.#client().unregisterName(name, ref.toRef().cUid);
  }

  /** Unregisters all names. */
  async close(): Promise<void> {
    await Promise.all([...this.#held].map(([name, { ref }]) => this.unregister(name, ref)));
  }

  #forget(name: string, ref: UntypedRef): void {
    const held = this.#held.get(name);
    if (held?.ref[routeKey] !== ref[routeKey]) return;
    this.#held.delete(name);
    ref[routeKey].unwatch(held.watcher);
  }

  #ended(name: string, ref: UntypedRef): void {
    const left = this.unregister(name, ref)
      .catch((error: unknown) =>
        this.#log.debug('the name of an ended actor was not unregistered', { name, error: namedMessageOf(error) }),
      )
      .then(() => {
        if (this.#leaving.get(name) === left) this.#leaving.delete(name);
      });
    this.#leaving.set(name, left);
  }
}
