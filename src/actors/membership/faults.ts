import { namedMessageOf } from '../../foreign.js';
import { ownerOrdinal } from '../../ids/index.js';
import { limits } from '../../limits.js';
import { encodedSize, v1 } from '../../protocol/index.js';

/** Why what a peer has sent cannot be meant: it would cost more than a network needs. Undefined: it can. */

const MOST_INCARNATION = 2 ** 31;
const MOST_VOTES = 16;
/** Descriptions that are asked for at a time. */
export const MOST_DESCRIPTIONS = 64;

export function faultInNews(news: v1.MemberNews | undefined): string | undefined {
  return news === undefined ? 'it has no sender' : faultInStates(news.from, news.news);
}

export function faultInStates(from: bigint, states: readonly v1.MemberState[]): string | undefined {
  if (from === 0n) return 'it has no sender';
  if (states.length > limits.networkMembers + 1) {
    return `it tells of ${states.length} members, of at most ${limits.networkMembers + 1}`;
  }
  const absurd = states.find(
    ({ id, incarnation, suspectedBy }) =>
      id === 0n || incarnation > MOST_INCARNATION || suspectedBy.length > MOST_VOTES,
  );
  return (
    absurd &&
    `it tells of a member with id ${absurd.id}, incarnation ${absurd.incarnation} and ${absurd.suspectedBy.length} votes`
  );
}

export function faultInDescription(description: v1.MemberDescription): string | undefined {
  const { id, node, process, address, partitions, names } = description;
  if (id === 0n || address === '') return 'the description of a member has no id or no address';
  if (names.length > limits.networkNames)
    return `a member offers ${names.length} names, of at most ${limits.networkNames}`;
  if (partitions.length > limits.partitions) return `a member has ${partitions.length} partitions`;
  const texts = [node, process, ...names.map(({ name }) => name)];
  if (texts.some((text) => text.length > limits.nameCharacters) || address.length > limits.nameCharacters) {
    return `a name of a member has more than ${limits.nameCharacters} characters`;
  }
  const wrong = names.map(faultInName).find((fault) => fault !== undefined);
  if (wrong !== undefined) return wrong;
  const bytes = encodedSize(v1.MemberDescription, description);
  return bytes > limits.networkDescriptionBytes
    ? `the description of a member has ${bytes} bytes, of at most ${limits.networkDescriptionBytes}`
    : undefined;
}

/** Actors of the runtime are offered to nobody: whoever asks for the name would ask its own. */
export function faultInName({ name, ref }: v1.MemberName): string | undefined {
  if (ref !== undefined && ref.service !== '' && ownerOrdinal(ref.cUid) !== undefined) return undefined;
  return `the name "${name}" is offered with a reference to no actor of a program`;
}

/** What `use` throws of what one member offers: that must not hide the next one. */
export function faultInUse(use: () => void): string | undefined {
  try {
    use();
    return undefined;
  } catch (error) {
    return `what a member offers cannot be used: ${namedMessageOf(error)}`;
  }
}

export function faultInIds(ids: readonly bigint[]): string | undefined {
  return ids.length > MOST_DESCRIPTIONS
    ? `it asks for ${ids.length} descriptions, of at most ${MOST_DESCRIPTIONS}`
    : undefined;
}
