/**
 * What one process holds of an object of another, as a pure state machine: `applyToHolding(holding, event)`. It is the counterpart of the object's
 * row at the owner, with the same totals.
 */
import type { PeerIncarnation } from './object-row.js';

interface Forwards {
  readonly sent: number;
  readonly charged: number;
  readonly lost: number;
}

export interface Holding {
  /** Times that the object came from its owner. */
  readonly received: number;
  /** Times that it came from each other peer, and how many of these the owner has charged. */
  readonly claims: ReadonlyMap<PeerIncarnation, { readonly asked: number; readonly charged: number }>;
  /** Times that it was forwarded to each other peer, how many of these the owner has charged, and how many never came. */
  readonly forwards: ReadonlyMap<PeerIncarnation, Forwards>;
  /** Descriptors here that are in use. */
  readonly handles: number;
  readonly released: number;
}

export type HoldingEvent =
  /** The object has come from a peer that forwarded it, or, without `from`, from its owner. */
  | { readonly kind: 'arrived'; readonly from: PeerIncarnation | undefined }
  /** One more descriptor here uses the object. */
  | { readonly kind: 'share' }
  /** The owner has charged what came from a peer. */
  | { readonly kind: 'claimed'; readonly from: PeerIncarnation; readonly total: number }
  /** A descriptor here is handed on to a peer. */
  | { readonly kind: 'forward'; readonly to: PeerIncarnation }
  /** A peer was asked how many of the first `sent` forwards came. These came; the others never will. */
  | { readonly kind: 'settled'; readonly to: PeerIncarnation; readonly sent: number; readonly received: number }
  /** The owner has charged what was forwarded to a peer. */
  | { readonly kind: 'forwarded'; readonly to: PeerIncarnation; readonly total: number }
  /** A peer to which the object was forwarded has ended, and will never claim it. */
  | { readonly kind: 'ended'; readonly peer: PeerIncarnation }
  /** The owner has refused the open claims: the object is gone. */
  | { readonly kind: 'refused' }
  /** A descriptor here is disposed. */
  | { readonly kind: 'dispose' };

export type HoldingEffect =
  /** Ask the owner to charge what came from a peer. */
  | { readonly kind: 'claim'; readonly from: PeerIncarnation; readonly total: number }
  /** Tell the owner, in the next batch, how many times the object was given back in all. */
  | { readonly kind: 'release'; readonly total: number };

export interface HoldingStep {
  readonly holding: Holding;
  readonly effects: readonly HoldingEffect[];
}

export const newHolding: Holding = {
  received: 0,
  claims: new Map(),
  forwards: new Map(),
  handles: 0,
  released: 0,
};

/** Whether the object may be read: the owner knows that this process holds it. */
export function isReadable({ received, claims, released }: Holding): boolean {
  return received + chargedOf(claims) > released;
}

/** Whether the owner may still make the object readable: it has not answered a claim. */
export function isClaimed({ claims }: Holding): boolean {
  if (claims.size === 0) return false;
  return [...claims.values()].some(({ asked, charged: done }) => asked > done);
}

export function applyToHolding(holding: Holding, event: HoldingEvent): HoldingStep {
  switch (event.kind) {
    case 'arrived':
      return arrived(withHandles(holding, holding.handles + 1), event.from);
    case 'share':
      return { holding: withHandles(holding, holding.handles + 1), effects: [] };
    case 'settled': {
      const forwards = holding.forwards.get(event.to);
      if (forwards === undefined) return { holding, effects: [] };
      const lost = Math.max(forwards.lost, event.sent - event.received);
      return settled({ ...holding, forwards: new Map(holding.forwards).set(event.to, { ...forwards, lost }) });
    }
    case 'claimed':
      return settled({ ...holding, claims: charged(holding.claims, event.from, event.total) });
    case 'forward': {
      const before = holding.forwards.get(event.to) ?? { sent: 0, charged: 0, lost: 0 };
      const forwards = new Map(holding.forwards).set(event.to, { ...before, sent: before.sent + 1 });
      return settled({ ...holding, forwards });
    }
    case 'forwarded':
      return settled({ ...holding, forwards: charged(holding.forwards, event.to, event.total) });
    case 'ended': {
      const forwards = new Map(holding.forwards);
      forwards.delete(event.peer);
      return settled({ ...holding, forwards });
    }
    case 'refused': {
      const claims = [...holding.claims].map(
        ([from, { charged: done }]) => [from, { asked: done, charged: done }] as const,
      );
      return settled({ ...holding, claims: new Map(claims) });
    }
    case 'dispose':
      return settled(withHandles(holding, holding.handles - 1));
  }
}

function withHandles({ received, claims, forwards, released }: Holding, handles: number): Holding {
  return { received, claims, forwards, handles, released };
}

function arrived(holding: Holding, from: PeerIncarnation | undefined): HoldingStep {
  if (from === undefined) return { holding: { ...holding, received: holding.received + 1 }, effects: [] };
  const { asked, charged: before } = holding.claims.get(from) ?? { asked: 0, charged: 0 };
  const claims = new Map(holding.claims).set(from, { asked: asked + 1, charged: before });
  return { holding: { ...holding, claims }, effects: [{ kind: 'claim', from, total: asked + 1 }] };
}

/** Gives all back when nothing here uses the object, and the owner has charged all forwards. What is charged later is given back later. */
function settled(holding: Holding): HoldingStep {
  const { handles, forwards, claims, received, released } = holding;
  const isIdle = handles === 0 && areCharged(forwards);
  const total = received + chargedOf(claims);
  if (!isIdle || total === released) return { holding, effects: [] };
  return { holding: { ...holding, released: total }, effects: [{ kind: 'release', total }] };
}

/** Whether the owner has charged all that was forwarded and came: this process is liable for none of it. */
export function areCharged(forwards: Holding['forwards']): boolean {
  if (forwards.size === 0) return true;
  return [...forwards.values()].every(({ sent, charged: done, lost }) => done >= sent - lost);
}

function charged<T extends { readonly charged: number }>(
  table: ReadonlyMap<PeerIncarnation, T>,
  peer: PeerIncarnation,
  total: number,
): ReadonlyMap<PeerIncarnation, T> {
  const entry = table.get(peer);
  return entry === undefined ? table : new Map(table).set(peer, { ...entry, charged: Math.max(entry.charged, total) });
}

function chargedOf(claims: Holding['claims']): number {
  if (claims.size === 0) return 0;
  let sum = 0;
  for (const { charged: done } of claims.values()) sum += done;
  return sum;
}
