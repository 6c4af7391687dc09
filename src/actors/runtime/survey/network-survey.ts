import { membershipCUid } from '../../../ids/index.js';
import { v1 } from '../../../protocol/index.js';
import { systemEntropy } from '../../../scheduler/index.js';
import { type MemberOfNetwork, shownMember } from '../network/index.js';
import type { Peers } from './peers.js';

/** Descriptions that a member is asked for at a time. */
const AT_A_TIME = 64;

/**
 * The processes of a network, as the member at this address knows them: nobody learns that somebody has asked. Members that were dead
 * or have left are not among them. Rejects with UnreachableError where nobody listens, and with AskTimeoutError after `timeoutMs`.
 */
export async function surveyNetwork(peers: Peers, address: string, timeoutMs: number): Promise<MemberOfNetwork[]> {
  const member = peers.reference(v1.NetworkMember, address, membershipCUid);
  const from = Buffer.from(systemEntropy(8)).readBigUInt64LE() | 1n;
  const { states } = await member.exchange({ from }, { timeoutMs });
  const statuses = new Map(states.map(({ id, status }) => [id, status]));
  const ids = [...statuses.keys()];
  const found: MemberOfNetwork[] = [];
  for (let first = 0; first < ids.length; first += AT_A_TIME) {
    const { members } = await member.describeMembers({ from, ids: ids.slice(first, first + AT_A_TIME) }, { timeoutMs });
    found.push(...members.map((each) => shownMember(each, statuses.get(each.id) ?? 0, false)));
  }
  return found;
}
