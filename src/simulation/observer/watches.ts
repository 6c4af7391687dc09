import type { TerminationReason } from '../../actors/kernel/index.js';
import type { Violations } from '../violation.js';
import type { ObservedActor } from './actor.js';
import type { Party } from './message.js';

/** One actor watches another. */
export interface Watch {
  readonly owner: Party;
  readonly target: bigint;
  /** The watcher was notified, or has stopped watching. */
  isOver: boolean;
}

export interface WatchesOptions {
  readonly violations: Violations;
  readonly record: (line: string) => void;
  readonly actor: (cUid: bigint) => ObservedActor | undefined;
  /** Links may end in this run, by a cut or a crash. So a running actor may be unreachable. */
  readonly mayBeUnreachable: boolean;
}

/** All watches, and their notifications. */
export class Watches {
  readonly #options: WatchesOptions;
  readonly #begun = new Set<Watch>();

  constructor(options: WatchesOptions) {
    this.#options = options;
  }

  begin(owner: Party, target: bigint): Watch {
    const watch = { owner, target, isOver: false };
    this.#begun.add(watch);
    this.#options.record(`watch ${this.#describe(watch)}`);
    return watch;
  }

  end(watch: Watch): void {
    watch.isOver = true;
    this.#begun.delete(watch);
  }

  /** `on.terminated` was called for it. */
  notified(watch: Watch | undefined, owner: Party, reason: TerminationReason): void {
    const { violations, record, mayBeUnreachable } = this.#options;
    if (watch === undefined || watch.isOver) {
      violations.add(
        'watch',
        `${owner.name} was notified that an actor is ${reason}, but does not watch it or was notified before`,
      );
      return;
    }
    record(`terminated ${reason} ${this.#describe(watch)}`);
    this.end(watch);
    if (reason !== 'unreachable' || !mayBeUnreachable) {
      void this.#options
        .actor(watch.target)
        ?.isOpen()
        .then((isOpen) => {
          if (isOpen)
            violations.add('watch', `${this.#describe(watch)} was notified that it is ${reason}, but it still runs`);
        });
    }
  }

  /** Checks that every watcher of a stopped actor was notified. */
  async check(): Promise<void> {
    for (const watch of this.#begun) {
      const target = this.#options.actor(watch.target);
      if (
        target !== undefined &&
        watch.owner.endedMs === undefined &&
        (target.endedMs !== undefined || !(await target.isOpen())) &&
        !watch.isOver
      ) {
        this.#options.violations.add('watch', `${this.#describe(watch)} was never notified that it has stopped`);
      }
    }
  }

  #describe({ owner, target }: Watch): string {
    return `${owner.name}>${this.#options.actor(target)?.name ?? target.toString(16)}`;
  }
}
