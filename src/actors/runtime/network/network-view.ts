import { ProtocolError } from '../../../errors.js';
import { isError, messageOf } from '../../../foreign.js';
import { type Counts, isAlive, type NetworkState, Status } from '../../membership/index.js';
import type { v1 } from '../../../protocol/index.js';
import { shownAddress } from '../../../transport/stack/index.js';

/** One process of a network, as another one sees it. */
export interface MemberOfNetwork {
  /** New for each start of the process; 16 hexadecimal digits. */
  readonly id: string;
  readonly node: string;
  readonly process: string;
  readonly address: string;
  /** `suspect`: it does not answer, and may refute that. `dead`: it has not. `left`: it has said that it leaves. */
  readonly status: 'alive' | 'suspect' | 'dead' | 'left';
  readonly isSelf: boolean;
  /** The names and groups of its actors. */
  readonly names: readonly string[];
}

/** What a process knows of its network, and what that costs. */
export interface NetworkDescription extends Counts {
  readonly alive: number;
  readonly suspect: number;
  readonly dead: number;
  /** 0: well. Up to 8: it is late itself, or hears too little, and waits so many times longer for others. */
  readonly unwell: number;
  /** Bytes a second that it may send to coordinate its network. */
  readonly budgetBytes: number;
  /** Seeds that have not answered, as long as no other member is known. */
  readonly unanswered: readonly UnansweredSeed[];
}

/** A seed at which nobody is, or that does not let this process in. */
export interface UnansweredSeed {
  readonly address: string;
  /** A sentence. */
  readonly why: string;
  /** A process is there, and refuses this one: it has another key or version. */
  readonly hasRefused: boolean;
}

const NAMES = ['alive', 'suspect', 'dead', 'left'] as const;

export function shownMember(description: v1.MemberDescription, status: Status, isSelf: boolean): MemberOfNetwork {
  const { id, node, process, address, names } = description;
  return {
    id: id.toString(16).padStart(16, '0'),
    node,
    process,
    address: shownAddress(address),
    status: NAMES[status],
    isSelf,
    names: [...new Set(names.map(({ name }) => name))],
  };
}

/** All members, the own process first. */
export function membersIn({ self, members }: NetworkState): MemberOfNetwork[] {
  const others = [...members.values()].map(({ description, status }) => shownMember(description, status, false));
  return [shownMember(self.description, self.status, true), ...others];
}

export function describeNetwork(
  { members, alive, suspects, health, budget, counts }: NetworkState,
  failures: ReadonlyMap<string, unknown>,
): NetworkDescription {
  const dead = [...members.values()].filter((member) => !isAlive(member) && member.status === Status.DEAD).length;
  return {
    ...counts,
    alive: 1 + alive - suspects.size,
    suspect: suspects.size,
    dead,
    unwell: health,
    budgetBytes: budget.perSecond,
    unanswered: [...failures].map(([address, error]) => ({
      address: shownAddress(address),
      why: messageOf(error),
      hasRefused: isRefusal(error),
    })),
  };
}

/** What the other end of a connection has said is a ProtocolError, whatever is around it. */
function isRefusal(error: unknown): boolean {
  if (error instanceof ProtocolError) return true;
  if (error instanceof AggregateError && error.errors.some(isRefusal)) return true;
  return isError(error) && error.cause !== undefined && isRefusal(error.cause);
}
