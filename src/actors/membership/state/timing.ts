/** Times and counts of the protocol. All times are multiples of the time between two probes, so that a network with slow links is slower as a whole. */

/** Part of the time between two probes in which the answer of a member must come, before others are asked to probe it. */
const ANSWER_PART = 0.5;
/** Time between two messages that only spread news, as a part of the time between two probes. */
const SPREAD_PART = 0.3;
/** Probes between two exchanges of whole tables, in a network of up to 32 members. */
const EXCHANGE_PROBES = 30;
/** Probes between two looks for members that were declared dead, and for seeds. */
const REVIVE_PROBES = 10;
/** Shortest time that a suspected member has to refute, in probes, in a network of up to 10 members. */
const SUSPICION_PROBES = 4;
/** The longest time is so many times the shortest. */
const SUSPICION_STRETCH = 3;
/** A member that is not well waits so many times longer at most. */
export const WORST_HEALTH = 8;
/** Members that are asked to probe one that has not answered. */
export const HELPERS = 3;
/** Votes that a suspected or dead member is told with. */
export const MOST_VOTES = 3;
/** States of members in one message, beside that of the receiver. */
export const NEWS_OF_MESSAGE = 5;

/** `health`: 0 is well. Time in ms in which a member must answer. */
export const answerMs = (probeMs: number, health: number): number => probeMs * ANSWER_PART * (1 + health);

/** Time in ms for a probe with all its detours. */
export const roundMs = (probeMs: number, health: number): number => probeMs * (1 + health);

export const spreadMs = (probeMs: number): number => probeMs * SPREAD_PART;

/** Time in ms between two exchanges of a member: it grows with the table, so that the bytes a second do not. */
export const exchangeMs = (probeMs: number, members: number): number =>
  probeMs * EXCHANGE_PROBES * Math.max(1, members / 32);

export const reviveMs = (probeMs: number): number => probeMs * REVIVE_PROBES;

/** So often each news is sent by one member. After that almost all members have it. */
export const sendsOf = (members: number): number => 3 * Math.ceil(Math.log2(members + 2));

/**
 * Time in ms from the suspicion of a member to its death. The more members have got no answer, independently of one another, the shorter it is (Lifeguard).
 * `voters`: members that can have a vote.
 */
export function suspicionMs(probeMs: number, members: number, votes: number, voters: number): number {
  const shortest = probeMs * SUSPICION_PROBES * Math.max(1, Math.log10(Math.max(1, members)));
  const longest = shortest * SUSPICION_STRETCH;
  const wanted = Math.min(MOST_VOTES, voters) - 1;
  if (wanted <= 0) return longest;
  const part = Math.log(Math.max(1, votes)) / Math.log(wanted + 1);
  return Math.max(shortest, longest - (longest - shortest) * part);
}
