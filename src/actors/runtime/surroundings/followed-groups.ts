import { Deferred } from '../../../deferred.js';
import { errorOf, namedMessageOf } from '../../../foreign.js';
import type { Logger } from '../../../logging/index.js';
import { type Ref, v1 } from '../../../protocol/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
import { isLate } from '../../control-plane/index.js';
import { type ActorRef, Pauses } from '../../kernel/index.js';
import type { Groups, GroupSource } from '../groups/index.js';
import { assertNotRefused } from './context-calls.js';
import { FOLLOW_MS } from './group-follows.js';

export interface FollowedGroupsOptions {
  readonly calls: () => ActorRef<typeof v1.ContextCalls>;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly groups: () => Pick<Groups, 'changed' | 'removed'>;
}

/** One group that is followed. */
interface Follow {
  /** Aborted when it is followed no more. */
  readonly ending: AbortController;
  /** Numbers of the resources that stand for its members, by actor. */
  readonly ids: Map<string, number>;
}

/** Time in ms after which a group is asked for again that could not be followed. */
const AGAIN_MS = 1_000;

/** The members of groups in a partition without a control plane client: what the first partition of its process says of them. */
export class FollowedGroups implements GroupSource {
  readonly #options: FollowedGroupsOptions;
  readonly #pauses: Pauses;
  readonly #follows = new Map<string, Follow>();
  readonly #members = new Map<number, v1.Resource>();
  #ids = 0;
  #ordinals: readonly number[] = [];

  constructor(options: FollowedGroupsOptions) {
    this.#options = options;
    this.#pauses = new Pauses(options.scheduler);
  }

  /** The partitions of this process, as far as they are known. */
  get ordinals(): readonly number[] {
    return this.#ordinals;
  }

  /** Resolves when the members that there are have arrived. */
  watchGroup(name: string): Promise<void> {
    const arrived = new Deferred<void>();
    const follow: Follow = { ending: new AbortController(), ids: new Map() };
    this.#follows.set(name, follow);
    void this.#follow(name, follow, arrived);
    return arrived.promise;
  }

  async unwatchGroup(name: string): Promise<void> {
    const follow = this.#follows.get(name);
    this.#follows.delete(name);
    if (follow === undefined) return;
    follow.ending.abort();
    this.#apply(name, follow, []);
  }

  resources(): IterableIterator<v1.Resource> {
    return this.#members.values();
  }

  /** Nothing is followed any more. */
  close(): void {
    for (const { ending } of this.#follows.values()) ending.abort();
    this.#pauses.end();
  }

  async #follow(name: string, follow: Follow, arrived: Deferred<void>): Promise<void> {
    const { calls, log } = this.#options;
    const { signal } = follow.ending;
    for (let nonce = 0; !signal.aborted; ) {
      try {
        const reply = await calls().follow({ name, nonce }, { timeoutMs: FOLLOW_MS, signal });
        assertNotRefused(reply);
        if (signal.aborted) return;
        this.#ordinals = reply.ordinals;
        this.#apply(name, follow, reply.members);
        nonce = reply.nonce;
        arrived.resolve();
      } catch (error) {
        if (isLate(error) || signal.aborted) continue;
        arrived.reject(errorOf(error));
        log.debug('the members of a group are not known now', { name, error: namedMessageOf(error) });
        await this.#pauses.pause(AGAIN_MS);
      }
    }
  }

  #apply(name: string, follow: Follow, members: readonly Ref[]): void {
    const groups = this.#options.groups();
    const present = new Map(members.map((ref) => [`${ref.cUid}/${ref.incarnation}`, ref]));
    for (const [key, id] of follow.ids) {
      if (present.has(key)) continue;
      follow.ids.delete(key);
      this.#members.delete(id);
      groups.removed(id);
    }
    for (const [key, ref] of present) {
      if (follow.ids.has(key)) continue;
      const id = ++this.#ids;
      const resource = v1.Resource.create({ id, detail: { case: 'groupMember', value: { group: name, ref } } });
      follow.ids.set(key, id);
      this.#members.set(id, resource);
      groups.changed(resource);
    }
  }
}
