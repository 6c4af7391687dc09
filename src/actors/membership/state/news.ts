import { limits } from '../../../limits.js';
import type { v1 } from '../../../protocol/index.js';
import { type Draft, isAlive } from './draft.js';
import { type Member, Status } from './network-state.js';
import { MOST_VOTES, WORST_HEALTH } from './timing.js';

/** A member is declared dead when so many got no answer from it, where there are so many that can say so. */
const VOTES_OF_DEATH = 2;

/** Takes in what another member has told. `isTable`: it is all that it knows, and some of that is old. */
export function hear(draft: Draft, from: bigint, states: readonly v1.MemberState[], isTable = false): void {
  for (const state of states) {
    if (state.id === draft.selfId) hearOfSelf(draft, state);
    else hearOfOther(draft, from, state, isTable);
  }
}

/** Whoever says that this member is not alive is wrong: a higher incarnation says so. */
function hearOfSelf(draft: Draft, { status, incarnation }: v1.MemberState): void {
  const { self, health } = draft.state;
  const isWrong = status === Status.ALIVE ? incarnation > self.incarnation : incarnation >= self.incarnation;
  if (!isWrong || self.status === Status.LEFT) return;
  if (incarnation > self.incarnation + limits.networkIncarnations) return draft.count('refused');
  draft.set({ self: { ...self, incarnation: incarnation + 1 }, health: Math.min(WORST_HEALTH, health + 1) });
  draft.count('refutations');
  draft.tell(draft.selfId);
}

function hearOfOther(draft: Draft, from: bigint, state: v1.MemberState, isTable: boolean): void {
  const known = draft.state.members.get(state.id);
  if (known === undefined) {
    if (isAlive(state)) draft.want(state, from);
    return;
  }
  if (state.incarnation > known.incarnation + limits.networkIncarnations) return draft.count('refused');
  const votes = validVotes(draft, state);
  // One member alone cannot declare another one dead, and a table may be older than a refutation.
  const isUnproven = isTable || votes.length < neededVotes(draft, state.id);
  const status =
    state.status === Status.DEAD && known.status !== Status.DEAD && isUnproven ? Status.SUSPECT : state.status;
  const isNewer = state.incarnation > known.incarnation;
  if (isNewer || (state.incarnation === known.incarnation && status > known.status)) {
    enter(
      draft,
      state.id,
      { ...known, incarnation: state.incarnation, votes: isAliveNow(status) ? [] : votes },
      status,
    );
  } else if (state.incarnation === known.incarnation && status === known.status) {
    addVotes(draft, state.id, known, votes);
  }
  if (state.version > known.description.version && isAlive(state)) draft.want(state, from);
}

function isAliveNow(status: Status): boolean {
  return status === Status.ALIVE || status === Status.LEFT;
}

/** A member gets another status, and others are told. */
export function enter(draft: Draft, id: bigint, member: Member, status: Status): void {
  if (member.status === Status.DEAD && status === Status.ALIVE) draft.count('revivals');
  if (member.status !== Status.DEAD && status === Status.DEAD) draft.count('deaths');
  const sinceMs = member.status === status ? member.sinceMs : draft.nowMs;
  draft.put(id, { ...member, status, sinceMs });
  draft.tell(id);
}

/** Others have got no answer from a suspect member, either. */
export function addVotes(draft: Draft, id: bigint, member: Member, votes: readonly bigint[]): void {
  const added = votes.filter((vote) => !member.votes.includes(vote));
  if (member.status !== Status.SUSPECT || added.length === 0 || member.votes.length >= MOST_VOTES) return;
  draft.put(id, { ...member, votes: [...member.votes, ...added].slice(0, MOST_VOTES) });
  draft.tell(id);
}

/** A vote counts when it is that of a member that is alive. */
function validVotes(draft: Draft, { id, suspectedBy }: v1.MemberState): bigint[] {
  const isVoter = (vote: bigint): boolean => {
    const voter = draft.state.members.get(vote);
    return vote !== id && (vote === draft.selfId || (voter !== undefined && isAlive(voter)));
  };
  return [...new Set(suspectedBy)].filter(isVoter).slice(0, MOST_VOTES);
}

/** Members that can get no answer from this one: those that are alive, and this member. */
export function votersOn(draft: Draft, id: bigint): number {
  const { alive, suspects, members } = draft.state;
  const target = members.get(id);
  return 1 + alive - suspects.size - Number(target?.status === Status.ALIVE);
}

export function neededVotes(draft: Draft, id: bigint): number {
  return Math.min(VOTES_OF_DEATH, votersOn(draft, id));
}

/** Descriptions of members that were asked for. One of which nobody has told is ignored. */
export function described(draft: Draft, descriptions: readonly v1.MemberDescription[]): void {
  for (const description of descriptions) {
    const wanted = draft.got(description.id);
    const known = draft.state.members.get(description.id);
    if (known !== undefined) renew(draft, description, known);
    else if (wanted !== undefined) introduced(draft, description, wanted.state);
  }
}

/** A member introduces itself, or another one has described it. Returns whether there is room for it. */
export function introduced(draft: Draft, description: v1.MemberDescription, state: v1.MemberState): boolean {
  const { id } = description;
  if (id === draft.selfId) return true;
  const known = draft.state.members.get(id);
  if (known !== undefined) {
    renew(draft, description, known);
    return true;
  }
  if (draft.state.members.size >= limits.networkMembers && !makeRoom(draft)) {
    draft.count('refused');
    return false;
  }
  const { status, incarnation } = state;
  draft.put(id, { status, incarnation, description, votes: validVotes(draft, state), sinceMs: draft.nowMs });
  draft.tell(id);
  return true;
}

function renew(draft: Draft, description: v1.MemberDescription, known: Member): void {
  if (description.version <= known.description.version) return;
  draft.put(description.id, { ...known, description });
  draft.tell(description.id);
}

/** Forgets one of those that are dead or have left. */
function makeRoom(draft: Draft): boolean {
  for (const [id, member] of draft.state.members) {
    if (isAlive(member)) continue;
    draft.forget(id);
    return true;
  }
  return false;
}
