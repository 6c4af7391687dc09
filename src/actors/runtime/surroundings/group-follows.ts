import { Deferred } from '../../../deferred.js';
import type { Ref, v1 } from '../../../protocol/index.js';
import type { Scheduler, Timer } from '../../../scheduler/index.js';
import type { Groups } from '../groups/index.js';

/** Time in ms after which a partition that follows a group asks anew: a link may have lost the answer. */
export const FOLLOW_MS = 10_000;

interface Follow {
  readonly held: Promise<{ readonly members: () => readonly Ref[]; readonly release: () => void }>;
  nonce: number;
  changed: Deferred<void>;
  /** Of its end, which each request puts off. */
  timer: Timer | undefined;
}

export interface GroupFollowsOptions {
  readonly scheduler: Scheduler;
  readonly groups: Pick<Groups, 'follow'>;
  /** Of the partitions of this process. */
  readonly ordinals: () => readonly number[];
}

/** The groups that other partitions of this process follow. One that nobody has asked for lately is left. */
export class GroupFollows {
  readonly #options: GroupFollowsOptions;
  readonly #follows = new Map<string, Follow>();
  #nonces = 0;

  constructor(options: GroupFollowsOptions) {
    this.#options = options;
  }

  /** Resolves as soon as the members are others than those of `known`, a nonce, or nobody waits any more. */
  async members(name: string, known: number, signal: AbortSignal): Promise<v1.GroupMembersInit> {
    const follow = this.#follows.get(name) ?? this.#begin(name);
    this.#putOff(name, follow);
    try {
      const { members } = await follow.held;
      if (follow.nonce === known) await changedOrAborted(follow.changed, signal);
      return { members: members(), ordinals: this.#options.ordinals(), nonce: follow.nonce };
    } catch (error) {
      this.#leave(name, follow);
      throw error;
    }
  }

  /** Nothing is followed any more. */
  close(): void {
    for (const [name, follow] of this.#follows) this.#leave(name, follow);
  }

  #begin(name: string): Follow {
    const changed = (): void => {
      const before = follow.changed;
      follow.nonce = ++this.#nonces;
      follow.changed = new Deferred();
      before.resolve();
    };
    const follow: Follow = {
      held: this.#options.groups.follow(name, changed),
      nonce: ++this.#nonces,
      changed: new Deferred(),
      timer: undefined,
    };
    this.#follows.set(name, follow);
    return follow;
  }

  #putOff(name: string, follow: Follow): void {
    const { scheduler } = this.#options;
    if (follow.timer !== undefined) scheduler.clearTimer(follow.timer);
    follow.timer = scheduler.setTimer(3 * FOLLOW_MS, () => this.#leave(name, follow));
  }

  #leave(name: string, follow: Follow): void {
    if (this.#follows.get(name) !== follow) return;
    this.#follows.delete(name);
    if (follow.timer !== undefined) this.#options.scheduler.clearTimer(follow.timer);
    follow.changed.resolve();
    follow.held.then(
      ({ release }) => release(),
      () => {},
    );
  }
}

async function changedOrAborted(changed: Deferred<void>, signal: AbortSignal): Promise<void> {
  const over = new Deferred<void>();
  const aborted = (): void => over.resolve();
  signal.addEventListener('abort', aborted, { once: true });
  if (signal.aborted) aborted();
  await Promise.race([changed.promise, over.promise]);
  signal.removeEventListener('abort', aborted);
}
