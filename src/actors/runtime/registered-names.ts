import { AskTimeoutError, BackpressureError, UnreachableError } from '../../errors.js';
import { messageOf, namedMessageOf } from '../../foreign.js';
import type { Logger } from '../../logging/index.js';
import type { ControlPlaneClient } from '../control-plane/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import {
  type CallBounds,
  innermostRoute,
  Pauses,
  type Route,
  routeKey,
  type UntypedRef,
  type Watcher,
} from '../kernel/index.js';

/** How an actor has a name. */
export interface RegisterOptions extends CallBounds {
  /** Any number of actors may have the name: see `runtime.group`. Default false. */
  readonly group?: boolean;
  /** Where another actor has the name, this one gets it when that has ended or gives it up, behind those that stand by already. Default false. */
  readonly standby?: boolean;
}

interface Held {
  readonly name: string;
  readonly ref: UntypedRef;
  readonly watcher: Watcher;
}

interface Name extends Held {
  readonly isGroup: boolean;
}

interface Refused extends Held {
  readonly why: string;
}

/** Time in ms before a name that could not be registered is asked for again; it doubles each time. */
const AGAIN = { minMs: 1_000, maxMs: 15_000 };

/** The names that one process has registered in the cluster. Unregisters a name when its actor ends. */
export class RegisteredNames {
  readonly #client: () => ControlPlaneClient;
  readonly #log: Logger;
  /** Before names that could not be registered are asked for again. */
  readonly #pauses: Pauses;
  /** By name and actor. */
  readonly #held = new Map<string, Name>();
  /** Names of ended actors whose unregistration is pending. */
  readonly #leaving = new Map<string, Promise<void>>();
  /** Names that an actor should have and does not, while that actor lives, by name and actor: why. */
  readonly #refused = new Map<string, Refused>();
  /** Registrations that were asked for with an actor's spawn. */
  readonly #announced = new WeakMap<Route, Promise<void>>();

  constructor(client: () => ControlPlaneClient, scheduler: Scheduler, log: Logger) {
    this.#client = client;
    this.#log = log;
    this.#pauses = new Pauses(scheduler);
  }

  /** Rejects with ConfigError when another actor has the name. Waits for a pending unregistration of the name first. */
  async register(name: string, ref: UntypedRef, options: RegisterOptions = {}): Promise<void> {
    const { group: isGroup = false, standby: isStandby = false, timeoutMs } = options;
    if (!isGroup) await this.#leaving.get(name);
    await this.#client().registerName(name, ref.toRef(), { isGroup, isStandby, timeoutMs });
    const watcher: Watcher = { terminated: () => this.#ended(name, ref) };
    this.#noLongerRefused(name, ref);
    const key = keyOf(name, ref.toRef().cUid);
    if (this.#held.has(key)) return;
    this.#held.set(key, { name, ref, isGroup, watcher });
    ref[routeKey].watch(watcher);
  }

  /**
   * As `register`, for a caller that need not wait: a refusal is logged, and a problem until the actor ends or gets the name. Where the control
   * plane could not be reached, the name is asked for again and again.
   */
  announce(name: string, ref: UntypedRef, againMs: number = AGAIN.minMs): void {
    const registered = this.register(name, ref);
    this.#announced.set(innermostRoute(ref[routeKey]), registered);
    registered.catch((error: unknown) => {
      this.#log.error('a name was not registered', { name, error: namedMessageOf(error) });
      this.#refuse(name, ref, messageOf(error));
      if (isUnasked(error)) void this.#announceAgain(name, ref, againMs);
    });
  }

  async #announceAgain(name: string, ref: UntypedRef, afterMs: number): Promise<void> {
    await this.#pauses.pause(afterMs);
    // Its actor may have ended or have got the name, and this process may have ended or left the cluster.
    const isWanted = this.#refused.has(keyOf(name, ref.toRef().cUid));
    if (isWanted && !this.#pauses.haveEnded && !this.#client().isOver) {
      this.announce(name, ref, Math.min(2 * afterMs, AGAIN.maxMs));
    }
  }

  /** The actor had the name, stood by for it or was in the group, and has lost that while the control plane could not be reached. */
  lost(name: string, cUid: bigint, why: string): void {
    const held = this.#held.get(keyOf(name, cUid));
    if (held === undefined) return;
    this.#forget(held);
    this.#refuse(name, held.ref, why);
  }

  /** The actor has the name, stands by for it, was refused it, or is about to get it. */
  has(name: string, ref: UntypedRef): boolean {
    const key = keyOf(name, ref.toRef().cUid);
    return this.#held.has(key) || this.#refused.has(key) || this.announced(ref) !== undefined;
  }

  /** Settles as the registration of `announce`; undefined for an actor that was not announced. */
  announced(ref: UntypedRef): Promise<void> | undefined {
    return this.#announced.get(innermostRoute(ref[routeKey]));
  }

  /** Sentences about the names that actors of this process should have and have not. */
  problems(): readonly string[] {
    return [...this.#refused.values()].map(
      ({ name, why }) => `The name "${name}" is not registered for its actor here: ${why}`,
    );
  }

  /** Resolves when the name of an actor that has ended is free. */
  async left(name: string): Promise<void> {
    await this.#leaving.get(name);
  }

  /** Of a group: resolves when no process sends to the actor as a member any more. */
  async unregister(name: string, ref: UntypedRef): Promise<void> {
    const { cUid } = ref.toRef();
    const held = this.#held.get(keyOf(name, cUid));
    if (held !== undefined) this.#forget(held);
    this.#noLongerRefused(name, ref);
    await this.#client().unregisterName(name, cUid, held?.isGroup);
  }

  /** Nothing is asked for again. */
  end(): void {
    this.#pauses.end();
  }

  /** Unregisters all names. */
  async close(): Promise<void> {
    this.end();
    await Promise.all([...this.#held.values()].map(({ name, ref }) => this.unregister(name, ref)));
  }

  #forget({ name, ref, watcher }: Name): void {
    this.#held.delete(keyOf(name, ref.toRef().cUid));
    ref[routeKey].unwatch(watcher);
  }

  #refuse(name: string, ref: UntypedRef, why: string): void {
    this.#noLongerRefused(name, ref);
    const watcher: Watcher = { terminated: () => this.#noLongerRefused(name, ref) };
    this.#refused.set(keyOf(name, ref.toRef().cUid), { name, ref, watcher, why });
    ref[routeKey].watch(watcher);
  }

  #noLongerRefused(name: string, ref: UntypedRef): void {
    const key = keyOf(name, ref.toRef().cUid);
    const refused = this.#refused.get(key);
    if (refused === undefined) return;
    this.#refused.delete(key);
    ref[routeKey].unwatch(refused.watcher);
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

/** The control plane has not refused the name: it could not be asked. */
function isUnasked(error: unknown): boolean {
  return [UnreachableError, AskTimeoutError, BackpressureError].some((type) => error instanceof type);
}

function keyOf(name: string, cUid: bigint): string {
  return `${cUid} ${name}`;
}
