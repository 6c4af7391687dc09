import { BackpressureError, ConfigError, UnreachableError } from '../../../errors.js';
import { errorOf } from '../../../foreign.js';
import type { AnyMethod, AnyService } from '../../../protocol/index.js';
import { type ActorRef, type ActorSystem, FailedStream, type ReadyOptions } from '../../kernel/index.js';
import type { Member, Membership } from './membership.js';
import { type Choose, chooserFor, type GroupPolicy } from './policy.js';

/**
 * A group as one reference: its methods are those of a reference, and its policy says which member gets a message. A tell goes to the next
 * member where the first has no room. Without members, a tell is a dead letter, and an ask rejects with UnreachableError.
 */
export type GroupRef<S extends AnyService> = Pick<ActorRef<S>, keyof S['methods'] | 'ready' | 'service' | 'name'>;

/** Creates the reference of a group. */
export function groupRef<S extends AnyService>(
  name: string,
  service: S,
  membership: Membership,
  policy: GroupPolicy<S>,
  system: ActorSystem,
): GroupRef<S> {
  const calls = new GroupCalls(name, membership, policy, system);
  const ref = { name, service, ready: (options?: ReadyOptions) => calls.ready(options) };
  for (const method of Object.values(service.methods)) {
    const value = (message?: unknown, options?: unknown): unknown => calls.call(method, message, options);
    Object.defineProperty(ref, method.name, { value, enumerable: true });
  }
  // oxlint-disable-next-line typescript/consistent-type-assertions -- as in the kernel's reference.ts: the loop defines exactly the methods that GroupRef<S> names.
  return ref as unknown as GroupRef<S>;
}

class GroupCalls {
  readonly #name: string;
  readonly #membership: Membership;
  readonly #isBroadcast: boolean;
  readonly #choose: Choose;
  readonly #system: ActorSystem;

  constructor(name: string, membership: Membership, policy: GroupPolicy, system: ActorSystem) {
    this.#name = name;
    this.#membership = membership;
    this.#isBroadcast = policy === 'broadcast';
    this.#choose = chooserFor(policy);
    this.#system = system;
  }

  call(method: AnyMethod, message: unknown, options: unknown): unknown {
    if (method.mode === 'tell') return this.#tell(method, message, options);
    const refusal = this.#refusal(method);
    if (refusal !== undefined) return method.mode === 'ask' ? Promise.reject(refusal) : new FailedStream(refusal);
    const [member] = this.#choose(this.#membership.members, message);
    if (member === undefined) throw this.#noMembers(method);
    const result = invoke(member, method, message, options);
    if (result instanceof Promise) count(member, result);
    return result;
  }

  /** Resolves when one member has room; with `broadcast`, when all have. Rejects as that of a reference. */
  async ready(options: ReadyOptions = {}): Promise<void> {
    const { members } = this.#membership;
    if (members.length === 0) throw new UnreachableError(`The group "${this.#name}" has no members.`);
    if (this.#isBroadcast) {
      await Promise.all(members.map(({ ref }) => ref.ready(options)));
      return;
    }
    const others = new AbortController();
    const signal = options.signal === undefined ? others.signal : AbortSignal.any([options.signal, others.signal]);
    try {
      await Promise.any(members.map(({ ref }) => ref.ready({ ...options, signal })));
    } catch (error) {
      throw error instanceof AggregateError ? error.errors[0] : error;
    } finally {
      others.abort();
    }
  }

  #tell(method: AnyMethod, message: unknown, options: unknown): boolean {
    const { members } = this.#membership;
    if (members.length === 0) {
      this.#system.addDeadLetter(`group ${this.#name}`, method.fullName, message, 'unreachable');
      return false;
    }
    if (this.#isBroadcast) return tellAll(members, method, message, options);
    let full: unknown;
    for (const member of this.#choose(members, message)) {
      try {
        return invoke(member, method, message, options) === true;
      } catch (error) {
        if (!(error instanceof BackpressureError)) throw error;
        full = error;
      }
    }
    throw full;
  }

  #refusal(method: AnyMethod): ConfigError | UnreachableError | undefined {
    if (this.#isBroadcast) {
      return new ConfigError(
        `${method.fullName} cannot be asked of all members of the group "${this.#name}" at once: use a group with another policy.`,
      );
    }
    return this.#membership.members.length === 0 ? this.#noMembers(method) : undefined;
  }

  #noMembers(method: AnyMethod): UnreachableError {
    return new UnreachableError(`${method.fullName} cannot be asked: the group "${this.#name}" has no members.`);
  }
}

/** Every member gets it that has room; then the error of one that has none is thrown. */
function tellAll(members: readonly Member[], method: AnyMethod, message: unknown, options: unknown): boolean {
  const refused: Error[] = [];
  let haveRoom = true;
  for (const member of members) {
    try {
      haveRoom = invoke(member, method, message, options) === true && haveRoom;
    } catch (error) {
      refused.push(errorOf(error));
    }
  }
  const [first] = refused;
  if (first !== undefined) throw first;
  return haveRoom;
}

function invoke({ ref }: Member, { name }: AnyMethod, message: unknown, options: unknown): unknown {
  const call: unknown = Reflect.get(ref, name);
  if (typeof call !== 'function') throw new ConfigError(`${ref.toString()} has no method ${name}.`);
  return Reflect.apply(call, ref, [message, options]);
}

function count(member: Member, reply: Promise<unknown>): void {
  member.pending++;
  const settled = (): void => {
    member.pending--;
  };
  reply.then(settled, settled);
}
