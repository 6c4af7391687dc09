import { messageOf, namedMessageOf } from '../../foreign.js';
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
  /** The actors that are members of groups, by group and actor. */
  readonly #members = new Map<string, Held & { readonly name: string }>();
  /** Names of ended actors whose unregistration is pending. */
  readonly #leaving = new Map<string, Promise<void>>();
  /** Names that were asked for with an actor's spawn and refused, while that actor lives: why. */
  readonly #refused = new Map<string, Held & { readonly why: string }>();

  constructor(client: () => ControlPlaneClient, log: Logger) {
    this.#client = client;
    this.#log = log;
  }

  /** Rejects with ConfigError when another actor has the name. Waits for a pending unregistration of the name first. */
  async register(name: string, ref: UntypedRef, isGroup = false): Promise<void> {
    if (isGroup) return this.#join(name, ref);
    await this.#leaving.get(name);
    await this.#client().registerName(name, ref.toRef());
    const watcher: Watcher = { terminated: () => this.#ended(name, ref) };
    this.#held.set(name, { ref, watcher });
    this.#noLongerRefused(name, ref);
    ref[routeKey].watch(watcher);
  }

  /** As `register`, for a caller that waits for nothing: a refusal is logged, and a problem until the actor ends or gets the name. */
  announce(name: string, ref: UntypedRef): void {
    this.register(name, ref).catch((error: unknown) => {
      this.#log.error('a name was not registered', { name, error: namedMessageOf(error) });
      this.#refuse(name, ref, messageOf(error));
    });
  }

  /** The actor had the name, and has lost it while the control plane could not be reached. */
  lost(name: string, cUid: bigint, why: string): void {
    const held = this.#held.get(name);
    if (held?.ref.toRef().cUid !== cUid) return;
    this.#forget(name, held.ref);
    this.#refuse(name, held.ref, why);
  }

  /** Sentences about the names that actors of this process should have and have not. */
  problems(): readonly string[] {
    return [...this.#refused].map(
      ([name, { why }]) => `The name "${name}" is not registered for its actor here: ${why}`,
    );
  }

  /** Resolves when the name of an actor that has ended is free. */
  async left(name: string): Promise<void> {
    await this.#leaving.get(name);
  }

  /** Of a group: resolves when no process sends to the actor as a member any more. */
  async unregister(name: string, ref: UntypedRef): Promise<void> {
    const key = memberKey(name, ref);
    const member = this.#members.get(key);
    if (member !== undefined) {
      this.#members.delete(key);
      ref[routeKey].unwatch(member.watcher);
      await this.#client().unregisterName(name, ref.toRef().cUid, true);
      return;
    }
    this.#noLongerRefused(name, ref);
    this.#forget(name, ref);
    await this.#client().unregisterName(name, ref.toRef().cUid);
  }

  /** Unregisters all names. */
  async close(): Promise<void> {
    const members = [...this.#members.values()].map(({ name, ref }) => this.unregister(name, ref));
    await Promise.all([...members, ...[...this.#held].map(([name, { ref }]) => this.unregister(name, ref))]);
  }

  async #join(name: string, ref: UntypedRef): Promise<void> {
    await this.#client().registerName(name, ref.toRef(), true);
    const watcher: Watcher = {
      terminated: () => {
        this.unregister(name, ref).catch((error: unknown) =>
          this.#log.debug('an ended actor did not leave its group', { name, error: namedMessageOf(error) }),
        );
      },
    };
    this.#members.set(memberKey(name, ref), { name, ref, watcher });
    ref[routeKey].watch(watcher);
  }

  #refuse(name: string, ref: UntypedRef, why: string): void {
    const watcher: Watcher = { terminated: () => this.#noLongerRefused(name, ref) };
    this.#refused.set(name, { ref, watcher, why });
    ref[routeKey].watch(watcher);
  }

  #forget(name: string, ref: UntypedRef): void {
    const held = this.#held.get(name);
    if (held?.ref[routeKey] !== ref[routeKey]) return;
    this.#held.delete(name);
    ref[routeKey].unwatch(held.watcher);
  }

  #noLongerRefused(name: string, ref: UntypedRef): void {
    const refused = this.#refused.get(name);
    if (refused?.ref[routeKey] !== ref[routeKey]) return;
    this.#refused.delete(name);
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

function memberKey(name: string, ref: UntypedRef): string {
  return `${ref.toRef().cUid} ${name}`;
}
