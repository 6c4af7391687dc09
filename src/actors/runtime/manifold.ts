import { ProtocolError } from '../../errors.js';
import { namedMessageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import { type EmptyInit, v1 } from '../../protocol/index.js';
import { isLate, retryAsk, ReplicaSource } from '../control-plane/index.js';
import { type Behavior, behavior, type Context, type Later, later } from '../kernel/index.js';

/** One side of a port: its members, the expected members, and its listeners, which are members of the other side. */
class Side {
  readonly members = new ReplicaSource<v1.Member>();
  expected: readonly number[] = [];
  /** Listeners with an update in transit. */
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
 * One port of one pipeline: writers on one side, readers on the other. Each side is sent the members of the other, by diffs with a nonce.
 * A request to leave is answered only when every listener has acknowledged it, so that nobody sends to the member any more.
 */
class Manifold {
  readonly writers = new Side();
  readonly readers = new Side();
  /** The empty side that a reader listens to if it was dropped before it joined: no member will ever write to it. */
  readonly #nobody = new Side();
  readonly #context: Context;
  /** Members that have joined and not left. A dropped member listens until it leaves. */
  readonly #known = new Map<number, v1.Member>();
  /** Members that have left: a repeated request does not join one again. */
  readonly #gone = new Set<number>();
  /** Members that are not expected any more. They finish their elements, and leave. */
  readonly #dropped = new Set<number>();
  /** The peers of each dropped member. Members that join later do not know it, so they are not reported to it. */
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
   * For a writer, resolves when every reader knows it. Otherwise a reader could take the end of the other writers as the end of the port,
   * and lose what this one writes. For a reader, resolves at once.
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

  /** Resolves when no member can send to this one, or wait for it, any more. */
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
      // Waits until the whole other side knows the member: a peer that never knew it would not send it its end either.
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

  /** A dropped member joins: either this is a repeat, which changes nothing, or it had not joined before. */
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

  /** Sends the members of `side` to its listeners, which are or were members of the other side. */
  #publishTo(side: Side, rewireOf: (listener: v1.Member) => Rewire): void {
    for (const id of side.members.listeners()) {
      const listener = this.#known.get(id);
      if (listener !== undefined && !side.sending.has(id) && side.members.diffFor(id) !== undefined) {
        side.sending.add(id);
        this.#send(side, id, rewireOf(listener)).catch((error: unknown) => {
          this.#context.log.debug('a member of the port has ended', { member: id, error: namedMessageOf(error) });
          this.#forget(side, id);
        });
      }
    }
  }

  /** Resolves when the listener is up to date, or removed; rejects when it has ended. Repeats the update until it is acknowledged. */
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
        if (!isLate(error)) {
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

/** Resolves when all listeners of a side know its present members. */
function passed(side: Side): Promise<void> {
  return new Promise((resolve) => side.members.fence(resolve));
}

function required<T>(value: T | undefined): T {
  if (value === undefined) {
    throw new ProtocolError('A member of a port must carry its reference.');
  }
  return value;
}
