/** A caller with a channel id; a local actor gets its id only when the chain leaves the partition. */
export interface ChainMember {
  readonly cUid: bigint;
  /** The id, if it was assigned already. */
  readonly takenCUid: bigint | undefined;
  /** Of a member of this partition. */
  readonly path?: string;
}

/**
 * A chain of waiting callers: the actor whose handler made the call, then the caller of that handler's ask, and so on. Immutable; a
 * nested ask adds one member in front.
 */
export class CallChain {
  readonly member: ChainMember;
  readonly rest: CallChain | undefined;
  readonly length: number;

  constructor(member: ChainMember, rest: CallChain | undefined) {
    this.member = member;
    this.rest = rest;
    this.length = rest === undefined ? 1 : rest.length + 1;
  }
}

/** Whether `member` waits somewhere in the chain. */
export function chainIncludes(chain: CallChain | undefined, member: ChainMember): boolean {
  for (let link = chain; link !== undefined; link = link.rest) {
    if (link.member === member) return true;
    const cUid = link.member.takenCUid;
    if (cUid !== undefined && cUid === member.takenCUid) return true;
  }
  return false;
}

/**
 * The members of the chain that wait for one another when its last caller asks `asked`, a member, too: `shop/till -> shop/stock -> shop/till`.
 * `nameOf` names one of another partition.
 */
export function waitingPath(
  chain: CallChain,
  asked: ChainMember & { readonly path: string },
  nameOf: (cUid: bigint) => string,
): string {
  const names = [asked.path];
  for (let link: CallChain | undefined = chain; link !== undefined; link = link.rest) {
    const { member } = link;
    if (chainIncludes(new CallChain(member, undefined), asked)) break;
    names.push(member.path ?? nameOf(member.cUid));
  }
  return [...names.toReversed().slice(-1), ...names.toReversed()].join(' -> ');
}

const NO_IDS: readonly bigint[] = [];

/** The channel ids of a chain, nearest caller first: what the envelope carries. */
export function chainIds(chain: CallChain | undefined): readonly bigint[] {
  if (chain === undefined) return NO_IDS;
  const ids: bigint[] = [];
  for (let link: CallChain | undefined = chain; link !== undefined; link = link.rest) ids.push(link.member.cUid);
  return ids;
}

/** The chain that an envelope carries. */
export function chainFrom(ids: readonly bigint[]): CallChain | undefined {
  if (ids.length === 0) return undefined;
  let chain: CallChain | undefined;
  for (const cUid of ids.toReversed()) chain = new CallChain({ cUid, takenCUid: cUid }, chain);
  return chain;
}
