import { BackpressureError, ConfigError, StoppedError, UnreachableError } from '../../../errors.js';
import { errorOf } from '../../../foreign.js';
import type { AnyMethod } from '../../../protocol/index.js';
import {
  type ActorSystem,
  type AskOptions,
  type CallServices,
  type GroupPolicy,
  checkCallOptions,
  checkRequest,
  FailedStream,
  type LaterCall,
  type ReadyOptions,
  routeKey,
  type SendOptions,
  WHEN_READY_OPTIONS,
  type WhenReadyOptions,
} from '../../kernel/index.js';
import type { Member, Membership } from './membership.js';
import { type Chooser, chooserFor } from './policy.js';

/** The calls of one reference to a group. */
export interface CallsOfGroup {
  readonly name: string;
  readonly services: CallServices;
  /** As the method of a reference: a tell throws, an ask rejects, and a stream fails with a typed error. */
  call(method: AnyMethod, message: unknown, options: unknown): unknown;
  /** Resolves when one member has room; with `broadcast`, when all have. Rejects as that of a reference. */
  ready(options?: ReadyOptions): Promise<void>;
  /** As the method of `whenReady` of a reference. */
  tellWhenReady(method: AnyMethod, message: unknown, options: WhenReadyOptions | undefined): Promise<void>;
  /** As `Route.inherit`. */
  inherit(method: AnyMethod, options: AskOptions | undefined): LaterCall;
  close(): void;
}

/** Each call goes to a member, or to all of them. */
export class GroupCalls implements CallsOfGroup {
  readonly name: string;
  readonly #membership: Membership;
  readonly #isBroadcast: boolean;
  readonly #chooser: Chooser;
  readonly #system: ActorSystem;
  readonly #closed: () => void;
  #isClosed = false;

  /** `closed` is called once. */
  constructor(name: string, membership: Membership, policy: GroupPolicy, system: ActorSystem, closed: () => void) {
    this.name = name;
    this.#membership = membership;
    this.#isBroadcast = policy === 'broadcast';
    this.#chooser = chooserFor(policy, name);
    this.#system = system;
    this.#closed = closed;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closed();
  }

  get services(): CallServices {
    return this.#system.callServices;
  }

  inherit(method: AnyMethod, options: AskOptions | undefined): LaterCall {
    return this.#system.inherit(method, options);
  }

  call(method: AnyMethod, message: unknown, options: unknown): unknown {
    if (method.mode === 'tell') return this.#tell(method, message, options);
    try {
      return this.#ask(method, message, options);
    } catch (error) {
      return method.mode === 'ask' ? Promise.reject(errorOf(error)) : new FailedStream(errorOf(error));
    }
  }

  async ready(options: ReadyOptions = {}): Promise<void> {
    const { members } = this.#membership;
    if (this.#isClosed || members.length === 0) throw this.#nobody('ready');
    if (this.#isBroadcast) await Promise.all(members.map(({ ref }) => ref.ready(options)));
    else await firstReady(members, options);
  }

  async tellWhenReady(method: AnyMethod, message: unknown, options: WhenReadyOptions | undefined): Promise<void> {
    checkCallOptions('a tell that waits for room', options, WHEN_READY_OPTIONS);
    const { members } = this.#membership;
    // The caller may change the object while it waits.
    const filled = filledIn(method, message);
    if (this.#isClosed || members.length === 0) throw this.#nobody(method.fullName);
    if (this.#isBroadcast) {
      await Promise.all(members.map((member) => invokeWhenReady(member, method, filled, options)));
      return;
    }
    const first = this.#chooser.first(this.#membership, method, filled);
    if (first === undefined) throw this.#nobody(method.fullName);
    if (hasRoom(first) || this.#chooser.readsMessages) return invokeWhenReady(first, method, filled, options);
    const candidates = [first, ...this.#chooser.others(this.#membership, first)];
    const free = candidates.find(hasRoom);
    if (free !== undefined) return invokeWhenReady(free, method, filled, options);
    const kept = first.ref[routeKey].inherit(method, options);
    let member: Member;
    // It may end between its room and this turn.
    do member = await firstReady(candidates, readyOptions(kept.options), kept.byMs);
    while (member.ref[routeKey].room === 'closed');
    invoke(member, method, filled, sendOptions(kept.options));
  }

  #ask(method: AnyMethod, message: unknown, options: unknown): unknown {
    if (this.#isBroadcast) {
      throw new ConfigError(
        `${method.fullName} cannot be asked of all members of the group "${this.name}" at once: use a group with another policy.`,
      );
    }
    const read = this.#read(method, message);
    const member = this.#isClosed ? undefined : this.#chooser.first(this.#membership, method, read);
    if (member === undefined) throw this.#nobody(`${method.fullName} cannot be asked`);
    const result = invoke(member, method, read, options);
    if (result instanceof Promise) count(member, result);
    return result;
  }

  #tell(method: AnyMethod, message: unknown, options: unknown): boolean {
    const read = this.#read(method, message);
    const membership = this.#membership;
    if (this.#isClosed || membership.members.length === 0) {
      const reason = this.#isClosed ? 'stopped' : 'unreachable';
      this.#system.addDeadLetter(`group ${this.name}`, method.fullName, read, reason);
      return false;
    }
    if (this.#isBroadcast) return tellAll(membership.members, method, read, options);
    const first = this.#chooser.first(membership, method, read);
    if (first === undefined) throw this.#nobody(method.fullName);
    try {
      return invoke(first, method, read, options) === true;
    } catch (error) {
      if (!(error instanceof BackpressureError)) throw error;
      return this.#tellOthers(first, method, read, options, error);
    }
  }

  #tellOthers(first: Member, method: AnyMethod, message: unknown, options: unknown, full: BackpressureError): boolean {
    for (const member of this.#chooser.others(this.#membership, first)) {
      try {
        return invoke(member, method, message, options) === true;
      } catch (error) {
        if (!(error instanceof BackpressureError)) throw error;
      }
    }
    throw full;
  }

  /** What the policy reads, which is what is sent then. */
  #read(method: AnyMethod, message: unknown): unknown {
    if (!this.#chooser.readsMessages) return message;
    if (method.streamsRequests !== true) return filledIn(method, message);
    throw new ConfigError(
      `${method.fullName} streams its requests, so that the hash of the group "${this.name}" has no request to read: use a group with another policy.`,
    );
  }

  #nobody(what: string): StoppedError | UnreachableError {
    if (this.#isClosed) return new StoppedError(`${what}: this reference to the group "${this.name}" is closed.`);
    const { absent, foreignService } = this.#membership;
    const others = foreignService === undefined ? '' : ` of this service, and some of ${foreignService}`;
    const why = absent === 0 ? `has no members${others}` : `has ${absent} members, and none of them can be reached now`;
    return new UnreachableError(`${what}: the group "${this.name}" ${why}.`, { isUnsent: true });
  }
}

/** The first of these members that has room, which is its caller's turn to send to it. Rejects with the first one's error when none has. */
async function firstReady(
  members: readonly Member[],
  options: ReadyOptions | undefined,
  byMs?: number,
): Promise<Member> {
  const [only] = members;
  if (members.length === 1 && only !== undefined) {
    await only.ref[routeKey].ready(options, byMs);
    return only;
  }
  const others = new AbortController();
  const signal = options?.signal === undefined ? others.signal : AbortSignal.any([options.signal, others.signal]);
  try {
    return await Promise.any(
      members.map((member) => member.ref[routeKey].ready({ ...options, signal }, byMs).then(() => member)),
    );
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  } finally {
    others.abort();
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

/** The message with its defaults. Throws ProtocolError for what is no message. */
export function filledIn(method: AnyMethod, message: unknown): unknown {
  checkRequest(method, message);
  return method.request.create(message);
}

function hasRoom({ ref }: Member): boolean {
  return ref[routeKey].room === 'free';
}

/** The rest, which may be what `ctx.options()` keeps, applies to both. */
function readyOptions(options: WhenReadyOptions | undefined): ReadyOptions | undefined {
  if (options === undefined) return undefined;
  const { meta: _meta, trace: _trace, ...ready } = options;
  return ready;
}

function sendOptions(options: WhenReadyOptions | undefined): SendOptions | undefined {
  if (options === undefined) return undefined;
  const { timeoutMs: _timeoutMs, signal: _signal, ...send } = options;
  return send;
}

/** Calls the method of a member's reference. */
export function invoke({ ref }: Member, method: AnyMethod, message: unknown, options: unknown): unknown {
  return called(ref, method, message, options);
}

async function invokeWhenReady({ ref }: Member, method: AnyMethod, message: unknown, options: unknown): Promise<void> {
  await called(ref.whenReady, method, message, options);
}

function called(target: object, { name }: AnyMethod, message: unknown, options: unknown): unknown {
  const call: unknown = Reflect.get(target, name);
  if (typeof call !== 'function') throw new ConfigError(`The reference of a member has no method ${name}.`);
  return Reflect.apply(call, target, [message, options]);
}

function count(member: Member, reply: Promise<unknown>): void {
  member.pending++;
  const settled = (): void => {
    member.pending--;
  };
  reply.then(settled, settled);
}
