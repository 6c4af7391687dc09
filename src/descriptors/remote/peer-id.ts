import { ProtocolError } from '../../errors.js';
import { MAX_ORDINALS } from '../../ids/index.js';
import type { v1 } from '../../protocol/index.js';
import type { PeerIncarnation } from '../ledger/index.js';

/** The text that was made last: of many values after each other, most are of the same partition. */
let last: v1.PeerId & { readonly name: PeerIncarnation } = { ordinal: 0, incarnation: 0n, name: '0:0' };

/** One life of a partition as text, which keys the tables. */
export function peerIncarnation({ ordinal, incarnation }: v1.PeerId): PeerIncarnation {
  if (last.ordinal !== ordinal || last.incarnation !== incarnation)
    last = { ordinal, incarnation, name: `${ordinal}:${incarnation}` };
  return last.name;
}

/** The same on the wire. */
export function peerId(peer: PeerIncarnation): v1.PeerId {
  const [ordinal = '', incarnation = ''] = peer.split(':');
  return { ordinal: Number(ordinal), incarnation: BigInt(incarnation) };
}

/** Checks what came from a peer. Throws ProtocolError if it is missing, or names no partition. */
export function checkedPeer(id: v1.PeerId | undefined): PeerIncarnation {
  if (id === undefined) throw new ProtocolError('A message about an object does not name a partition.');
  if (id.ordinal >= MAX_ORDINALS || id.incarnation === 0n)
    throw new ProtocolError(
      `A message about an object names partition ${id.ordinal}:${id.incarnation}, which cannot be.`,
    );
  return peerIncarnation(id);
}

/** Checks what came from a peer: the owner of an object, which must be `expected` where that is given, and its number there. */
export function checkedObject(
  object: v1.RemoteObject | undefined,
  expected?: PeerIncarnation,
): { readonly owner: PeerIncarnation; readonly number: number } {
  const [owner, number] = [checkedPeer(object?.owner), object?.number ?? 0];
  if (!Number.isSafeInteger(number) || number < 1)
    throw new ProtocolError(`Objects have numbers from 1, and not ${number}.`);
  if (expected !== undefined && owner !== expected)
    throw new ProtocolError(`Object ${number} is one of ${owner}, and not of ${expected}.`);
  return { owner, number };
}
