import { AskTimeoutError, ProtocolError } from '../../errors.js';
import { ownerOrdinal } from '../../ids/index.js';
import type { Ref } from '../../protocol/index.js';
import { linkOf } from './actor-context.js';
import type { Context } from './context.js';
import type { LinkPeer } from './delivery.js';

// A request that names its sender in its body, an actor or a process, is taken only over a link of the partition in which that is. A partition may
// have several links, and others after a cut: what it says of itself at the beginning of each tells them apart, so nothing has to be announced again.

/**
 * Throws ProtocolError where the message that is handled did not come from the partition of this actor. `what` names the message: "A request to a
 * spawner". This and the other assertions throw AskTimeoutError, so that the sender asks again, where the link may have lost what its peer has said
 * of itself.
 */
export function assertSentBy(context: Context, ref: Ref, what: string): void {
  assertIs(context, isSentBy(context, ref), `${what} was refused`, 'the partition whose actor it names as its sender');
}

/** The same, without an error. */
export function isSentBy(context: Context, ref: Ref): boolean {
  return senderOf(context)(ref);
}

/** Remembers who has sent the message that is handled. The function says whether that is the partition of an actor. */
export function senderOf(context: Context): (ref: Ref) => boolean {
  const link = linkOf(context);
  const peer = link?.peer;
  return ({ cUid, incarnation }) =>
    link === undefined ||
    (peer !== undefined && peer.incarnation === incarnation && isOf(peer, ownerOrdinal(cUid) ?? peer.ordinal));
}

/** Which partition of this process is meant; where nothing is said, any. */
export type Sibling = Partial<Pick<LinkPeer, 'ordinal' | 'address'>>;

/** Throws ProtocolError where the message that is handled did not come from a partition of this process. */
export function assertOfThisProcess(context: Context, what: string, sibling: Sibling = {}): void {
  const { ordinal } = sibling;
  const whose = ordinal === undefined ? 'a partition of this process' : `partition ${ordinal} of this process`;
  assertIs(context, isOfThisProcess(context, sibling), `${what} was refused`, whose);
}

/** The same, without an error. */
export function isOfThisProcess(context: Context, { ordinal, address }: Sibling = {}): boolean {
  const link = linkOf(context);
  if (link === undefined) return true;
  const { peer, kinship } = link;
  if (peer === undefined || !kinship.isProven) return false;
  return (ordinal === undefined || isOf(peer, ordinal)) && (address === undefined || peer.address === address);
}

/** Whether the message that is handled came from the partition with this ordinal: no other one ever has that. */
export function isFromPartition(context: Context, ordinal: number): boolean {
  const link = linkOf(context);
  return link === undefined || (link.peer !== undefined && isOf(link.peer, ordinal));
}

/** Whether the message that is handled came from the process of this incarnation. */
export function isFromProcess(context: Context, incarnation: bigint): boolean {
  const link = linkOf(context);
  return link === undefined || link.peer?.incarnation === incarnation;
}

/** Throws ProtocolError where the message that is handled did not come from the process that listens at this address. */
export function assertSentFrom(context: Context, address: string, what: string): void {
  const sender = senderAddress(context);
  assertIs(context, sender === undefined || sender === address, `${what} was refused`, `the process at ${address}`);
}

/** Where the process listens that has sent the message that is handled; undefined for one from this partition. */
export function senderAddress(context: Context): string | undefined {
  const link = linkOf(context);
  return link && (link.peer ?? unknown()).address;
}

/**
 * Names the partition that has sent the message that is handled, over whichever of its links; empty for one from this partition. Of what has joined
 * no control plane its address tells it apart.
 */
export function senderIdentity(context: Context): string {
  const link = linkOf(context);
  if (link === undefined) return '';
  const { incarnation, ordinal, address } = link.peer ?? unknown();
  return `${incarnation}/${ordinal}/${address}`;
}

function assertIs(context: Context, isIt: boolean, refused: string, whose: string): void {
  if (isIt) return;
  if (linkOf(context)?.peer === undefined) unknown();
  throw new ProtocolError(`${refused}: it did not arrive over a link of ${whose}.`);
}

/** Before a partition has its ordinal, its process alone is known. */
function isOf(peer: LinkPeer, ordinal: number | undefined): boolean {
  return peer.ordinal === undefined || peer.ordinal === ordinal;
}

function unknown(): never {
  throw new AskTimeoutError(
    'The sender of this request has not said yet who it is, or that was lost: send the request again.',
  );
}
