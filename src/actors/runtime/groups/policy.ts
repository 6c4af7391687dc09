import { ConfigError } from '../../../errors.js';
import { shownValue } from '../../../foreign.js';
import type { AnyService } from '../../../protocol/index.js';
import type { Member } from './membership.js';

/** Requests of a service. */
export type RequestOf<S extends AnyService> = ReturnType<S['methods'][keyof S['methods']]['request']['create']>;

/**
 * Which member of a group gets a message. `round-robin` (default): they take turns. `least-loaded`: the one that owes this process the fewest replies.
 * `local-first`: those of this process take turns, or all where it has none. `broadcast`: every one gets each tell; asks are refused. `hash`:
 * messages with the same key go to the same member, as long as it is one.
 */
export type GroupPolicy<S extends AnyService = AnyService> =
  | 'round-robin'
  | 'least-loaded'
  | 'local-first'
  | 'broadcast'
  | HashPolicy<RequestOf<S>>;

export interface HashPolicy<Request> {
  /** The key of a request. A method, whose parameters are bivariant. */
  hash(request: Request): string | number | bigint;
}

/** Orders the members for one message: the first is tried first. */
export type Choose = (members: readonly Member[], request: unknown) => readonly Member[];

export function chooserFor(policy: GroupPolicy): Choose {
  let turn = 0;
  const rotated: Choose = (members) => {
    const first = turn++ % members.length;
    return first === 0 ? members : [...members.slice(first), ...members.slice(0, first)];
  };
  if (typeof policy === 'object') return (members, request) => byKey(members, String(policy.hash(request)));
  switch (policy) {
    case 'least-loaded':
      return (members, request) => rotated(members, request).toSorted((one, other) => one.pending - other.pending);
    case 'local-first':
      return (members, request) => {
        const local = members.filter(({ isLocal }) => isLocal);
        return rotated(local.length > 0 ? local : members, request);
      };
    case 'round-robin':
    case 'broadcast':
      return rotated;
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

/** Rendezvous hashing: when a member goes, only its own keys move. No other member may have the message. */
function byKey(members: readonly Member[], key: string): readonly Member[] {
  let best: Member | undefined;
  let bestHash = -1;
  for (const member of members) {
    const hash = fnv1a(`${member.cUid}/${key}`);
    if (hash > bestHash) [best, bestHash] = [member, hash];
  }
  return best === undefined ? [] : [best];
}

/** FNV-1a of 32 bits, finished as MurmurHash3: keys that differ in the last character only must be far apart. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
