import { ConfigError, HandlerError } from '../../../errors.js';
import { anyCodeOf, isError, namedMessageOf, shownValue } from '../../../foreign.js';
import type { AnyMethod } from '../../../protocol/index.js';
import type { GroupPolicy, HashPolicy } from '../../kernel/index.js';
import type { Member, Membership } from './membership.js';
import { RendezvousTable } from './rendezvous-table.js';

/** Chooses members of a group that has some. */
export interface Chooser {
  /** It reads the messages: their defaults must be filled in, and a stream of requests has no key. */
  readonly readsMessages: boolean;
  /** The member that gets a message. */
  first(members: Membership, method: AnyMethod, message: unknown): Member | undefined;
  /** Those that are tried when `first` has no room, in this order. */
  others(members: Membership, first: Member): readonly Member[];
}

/** `group` names the group in errors. */
export function chooserFor(policy: GroupPolicy, group: string): Chooser {
  if (typeof policy === 'object') return byHash(policy, group);
  switch (policy) {
    case 'least-loaded':
      return {
        readsMessages: false,
        first: leastLoaded,
        others: ({ members }, first) => without(members, first).sort((one, other) => one.pending - other.pending),
      };
    case 'local-first':
      return {
        readsMessages: false,
        first: (members) => members.inTurn(members.local.length > 0 ? members.local : members.members),
        others: ({ local, members }, first) => without(local.length > 0 ? local : members, first),
      };
    case 'round-robin':
    case 'broadcast':
      return {
        readsMessages: false,
        first: (members) => members.inTurn(members.members),
        others: ({ members }, first) => without(members, first),
      };
  }
}

/** Throws ConfigError for what the compiler refuses in TypeScript. */
export function checkPolicy(policy: unknown): void {
  const names = ['round-robin', 'least-loaded', 'local-first', 'broadcast'];
  if (typeof policy === 'string' && names.includes(policy)) return;
  if (typeof policy === 'object' && policy !== null && 'hash' in policy && typeof policy.hash === 'function') return;
  throw new ConfigError(
    `The policy of a group is ${names.join(', ')}, or { hash: (request) => key }, not ${shownValue(policy)}.`,
  );
}

/** Members that owe the same take turns. */
function leastLoaded(membership: Membership): Member | undefined {
  const { members } = membership;
  let best = membership.inTurn(members);
  for (const member of members) if (best === undefined || member.pending < best.pending) best = member;
  return best;
}

/** The members after `first`, and then those before it. */
function without(members: readonly Member[], first: Member): Member[] {
  const index = members.indexOf(first);
  return [...members.slice(index + 1), ...members.slice(0, Math.max(0, index))];
}

/** No other member may have the message. */
function byHash(policy: HashPolicy<never>, group: string): Chooser {
  const table = new RendezvousTable();
  return {
    readsMessages: true,
    first: ({ members }, { fullName }, message) => table.ownerOf(keyOf(policy, group, fullName, message), members),
    others: () => [],
  };
}

/** Throws HandlerError when the policy throws, and ConfigError for what is no key. */
function keyOf(policy: { hash(message: unknown): unknown }, group: string, method: string, message: unknown): string {
  let key: unknown;
  try {
    key = policy.hash(message);
  } catch (cause) {
    throw new HandlerError(`The hash of the group "${group}" threw for ${method}: ${namedMessageOf(cause)}`, {
      handlerName: isError(cause) ? cause.name : undefined,
      handlerCode: anyCodeOf(cause),
      cause,
    });
  }
  if (typeof key === 'string' || typeof key === 'number' || typeof key === 'bigint') return String(key);
  throw new ConfigError(
    `The hash of the group "${group}" must return a text or a number as the key of ${method}, not ${shownValue(key)}.`,
  );
}
