import { AskTimeoutError, ProtocolError } from '../../errors.js';
import { namedMessageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import { type EmptyInit, v1 } from '../../protocol/index.js';
import { retryAsk, ReplicaSource } from '../control-plane/index.js';
import { type Behavior, behavior, type Context, type Later, later } from '../kernel/index.js';

/** One side of a port: its members, who of them is expected, and the other side, which listens. */
class Side {
  readonly members = new ReplicaSource<v1.Member>();
  expected: readonly number[] = [];
  /** Listeners to which an update is on its way. */
  readonly sending = new Set<number>();

  get isComplete(): boolean {
    return this.expected.every((id) => this.members.get(id) !== undefined);
  }
}

type Rewire = (
  membership: v1.MembershipInit,
  options: { timeoutMs?: number | undefined },
) => Promise<v1.MembershipApplied>;

/**
 * One port of one pipeline: writers on one side, readers on the other, each told of the other by diffs with a nonce. A member that
 * leaves is let go only when every listener has acknowledged that it is gone, so nobody still sends to it.
 */
class Manifold {
  readonly writers = new Side();
  readonly readers = new Side();
  /** Whom a reader listens to that was dropped before it had joined: nobody will ever write to it. */
  readonly #nobody = new Side();
  readonly #context: Context;
  /** Everybody who has joined and not left. A member that was dropped still listens until it leaves. */
  readonly #known = new Map<number, v1.Member>();
  /** Members that have left: one that is repeated does not join again. */
  readonly #gone = new Set<number>();
  /** Members that are expected no more. They deal with what they have, and leave. */
  readonly #dropped = new Set<number>();
  /** Whom a dropped member deals with. Those who join later do not know it, so it is not told of them. */
  readonly #frozen = new Map<number, ReadonlySet<number>>();
  readonly #ended = new Set<number>();

  constructor(context: Context) {
    this.#context = context;
    this.#nobody.members.touch();
  }

  expect({ producers, consumers, ended }: v1.ExpectedMembers): void {
    for (const id of ended) {
      this.#ended.add(id);
    }
    this.#expect(this.writers, producers);
    this.#expect(this.readers, consumers);
    this.#publish();
  }

  /**
   * Resolves when every reader knows a writer: one that did not would take the others' ends for the end of all, and what this one still
   * writes would be lost. A reader may begin at once.
   */
  join(member: v1.Member, isWriter: boolean): Promise<void> {
    if (this.#gone.has(member.id)) {
      return Promise.resolve();
    }
    const side = isWriter ? this.writers : this.readers;
    if (this.#dropped.has(member.id)) {
      this.#dismiss(member, isWriter);
    } else if (side.members.get(member.id) === undefined) {
      side.members.set(member.id, member);
      this.#known.set(member.id, member);
      this.#other(side).members.listen(member.id);
    }
    this.#publish();
    return isWriter ? passed(side) : Promise.resolve();
  }

  /** Resolves when nobody can send to the member, or waits for it, any more. */
  leave(id: number, hasEnded: boolean): Promise<void> {
    this.#gone.add(id);
    if (hasEnded) {
      this.#ended.add(id);
    }
    this.#forget(this.#nobody, id);
    const fences = [this.writers, this.readers].map((side) => {
      this.#forget(side, id);
      side.members.delete(id);
      return passed(side);
    });
    this.#known.delete(id);
    this.#frozen.delete(id);
    this.#publish();
    return Promise.all(fences).then(() => {});
  }

  #expect(side: Side, expected: readonly number[]): void {
    const dropped = side.expected.filter((id) => !expected.includes(id));
    if (dropped.length === 0 && expected.length === side.expected.length) {
      return;
    }
    side.expected = expected;
    side.members.touch();
    for (const id of dropped) {
      this.#dropped.add(id);
      // Only when all the other side knows it: who was never told of a member would not tell it of its end either.
      side.members.fence(() => this.#drop(side, id));
    }
  }

  #drop(side: Side, id: number): void {
    if (side.members.delete(id)) {
      const present = [...this.#other(side).members.entries()];
      this.#frozen.set(id, new Set(present.map((member) => member.id)));
      this.#publish();
    }
  }

  /** A member that was dropped joins: again, which changes nothing, or only now. */
  #dismiss(member: v1.Member, isWriter: boolean): void {
    if (!isWriter && !this.#known.has(member.id)) {
      this.#known.set(member.id, member);
      this.#nobody.members.listen(member.id);
    }
  }

  #other(side: Side): Side {
    return side === this.writers ? this.readers : this.writers;
  }

  #forget(side: Side, listener: number): void {
    side.members.forget(listener);
    side.sending.delete(listener);
  }

  #publish(): void {
    for (const side of [this.writers, this.#nobody]) {
      this.#publishTo(side, (member) => {
        const reader = this.#context.ref(v1.Subscriber, required(member.ref));
        return (membership, options) => reader.rewire(membership, options);
      });
    }
    this.#publishTo(this.readers, (member) => {
      const writer = this.#context.ref(v1.Publisher, required(member.ref));
      return (membership, options) => writer.rewire(membership, options);
    });
  }

  /** Members of `side` are told to the listeners, who are members of the other side, or were. */
  #publishTo(side: Side, rewireOf: (listener: v1.Member) => Rewire): void {
    for (const id of side.members.listeners()) {
      const listener = this.#known.get(id);
      if (listener !== undefined && !side.sending.has(id) && side.members.diffFor(id) !== undefined) {
        side.sending.add(id);
        this.#send(side, id, rewireOf(listener)).catch((error: unknown) => {
          this.#context.log.debug('a member of the port is gone', { member: id, error: namedMessageOf(error) });
          this.#forget(side, id);
        });
      }
    }
  }

  /** Ends when the listener is up to date, or forgotten; rejects when it is gone. One that is silent is told again and again. */
  async #send(side: Side, id: number, rewire: Rewire): Promise<void> {
    while (side.sending.has(id)) {
      const diff = side.members.diffFor(id);
      if (diff === undefined) {
        side.sending.delete(id);
        return;
      }
      const { base, nonce, isSnapshot, changed, removed } = diff;
      const membership = {
        base,
        nonce,
        isSnapshot,
        joined: changed.filter((member) => this.#frozen.get(id)?.has(member.id) !== false),
        left: removed,
        isComplete: side.isComplete,
        ended: [...this.#ended],
      };
      try {
        const applied = await retryAsk(this.#context.scheduler, limits.controlPlaneTimeoutMs, (options) => {
          return rewire(membership, { timeoutMs: options.timeoutMs });
        });
        side.members.acknowledge(id, applied.nonce);
      } catch (error) {
        if (!(error instanceof AskTimeoutError)) {
          throw error;
        }
      }
    }
  }
}

/** The behavior of a manifold. */
export function manifold(port: string, policy: string): Behavior<typeof v1.ManifoldService, Manifold> {
  return behavior(v1.ManifoldService, {
    state: (context) => new Manifold(context),
    supervision: { onFailure: 'resume' },
    expect: (state, expected) => {
      state.expect(expected);
      return {};
    },
    join: (state, { member, isWriter }): Later<EmptyInit> =>
      later(state.join(required(member), isWriter).then(() => ({}))),
    leave: (state, { member, hasEnded }): Later<EmptyInit> => later(state.leave(member, hasEnded).then(() => ({}))),
    describe: ({ writers, readers }) => ({
      port,
      policy,
      writers: [...writers.members.entries()],
      readers: [...readers.members.entries()],
      isWired: writers.members.size > 0 && readers.members.size > 0,
    }),
  });
}

/** Resolves when all who listen to a side know what it is now. */
function passed(side: Side): Promise<void> {
  return new Promise((resolve) => side.members.fence(resolve));
}

function required<T>(value: T | undefined): T {
  if (value === undefined) {
    throw new ProtocolError('A member of a port must carry its reference.');
  }
  return value;
}
