import { Deferred } from '../../deferred.js';
import { UnreachableError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { v1 } from '../../protocol/index.js';
import {
  applyToHolding,
  areCharged,
  type Holding,
  type HoldingEvent,
  isClaimed,
  isReadable,
  newHolding,
  type PeerIncarnation,
} from '../ledger/index.js';
import { AnnouncedArenas } from '../reading/index.js';
import type { ControlBatch, SendControl } from './batch.js';
import { LateSends } from './late-sends.js';
import { peerId } from './peer-id.js';
import { Amount, AmountsByPeer } from './value-amounts.js';

export interface HeldObjectsOptions {
  readonly self: PeerIncarnation;
  readonly send: SendControl;
  readonly batch: ControlBatch;
  readonly now: () => number;
}

/** What the description of an object says of it. */
export interface ArrivedObject {
  readonly typeName: string;
  readonly sizeBytes: number;
}

const REFUSED = 'it was freed when the partition that forwarded it ended';

interface Held extends ArrivedObject {
  readonly arrivedAtMs: number;
  holding: Holding;
  /** Peers that were asked what came of forwards, and have not answered. */
  settling: Set<PeerIncarnation> | undefined;
  /** What waits until the owner knows that the object is held here. */
  waiting: Deferred<void> | undefined;
  /** What is called when the owner has charged all forwards, or the object is gone. */
  charged: (() => void)[] | undefined;
}

interface Owner {
  readonly arenas: AnnouncedArenas;
  readonly objects: Map<number, Held>;
  readonly late: LateSends;
}

/** The objects of other partitions that are held here, and the arenas that they lie in. */
export class HeldObjects {
  readonly #options: HeldObjectsOptions;
  readonly #owners = new Map<PeerIncarnation, Owner>();
  /** The arenas of owners that have ended, as long as they are read. */
  readonly #kept = new Map<PeerIncarnation, AnnouncedArenas>();

  constructor(options: HeldObjectsOptions) {
    this.#options = options;
  }

  /** Objects that are held here, or whose totals are kept until their owner frees them. */
  get size(): number {
    let size = 0;
    for (const { objects } of this.#owners.values()) size += objects.size;
    return size;
  }

  joined(peer: PeerIncarnation): void {
    if (this.#owners.has(peer)) return;
    this.#owners.set(peer, {
      arenas: new AnnouncedArenas(`Partition ${peer}`),
      objects: new Map(),
      late: new LateSends(),
    });
  }

  /** What is read here stays until it is disposed. What is not read yet is lost. Returns what was held of the peer. */
  ended(peer: PeerIncarnation): v1.ValueAmount {
    const owner = this.#owners.get(peer);
    const lost = new Amount();
    this.#owners.delete(peer);
    owner?.arenas.close();
    if (owner !== undefined) this.#kept.set(peer, owner.arenas);
    this.#dropUnread();
    for (const [number, held] of owner?.objects ?? []) {
      lost.add(held.sizeBytes);
      this.#lose(held, peer, number, 'its owner has ended');
    }
    for (const [other, { objects }] of this.#owners) {
      for (const number of objects.keys()) this.apply(other, number, { kind: 'ended', peer });
    }
    return lost.now;
  }

  /** Values of a peer that has ended, which are read here still. */
  keptOf(peer: PeerIncarnation): v1.ValueAmount {
    const { reads, sizeBytes } = this.#kept.get(peer)?.open ?? { reads: 0, sizeBytes: 0 };
    return { values: reads, sizeBytes };
  }

  /** What is held, and of whom: the totals, and the oldest objects. Visits each object. */
  describe(): Pick<v1.LedgerDescriptionInit, 'held' | 'owners' | 'oldestHeld' | 'kept'> {
    const [held, kept, owners] = [new Amount(), new Amount(), new AmountsByPeer()];
    const oldest: { readonly owner: PeerIncarnation; readonly number: number; readonly about: Held }[] = [];
    for (const [owner, { objects }] of this.#owners) {
      let shown = 0;
      for (const [number, about] of objects) {
        held.add(about.sizeBytes);
        owners.add(owner, about.sizeBytes);
        if (shown < limits.describedValues) oldest.push({ owner, number, about });
        shown += 1;
      }
    }
    this.#dropUnread();
    for (const { open } of this.#kept.values()) {
      kept.values += open.reads;
      kept.sizeBytes += open.sizeBytes;
    }
    const oldestHeld = oldest
      .sort((left, right) => left.about.arrivedAtMs - right.about.arrivedAtMs)
      .slice(0, limits.describedValues)
      .map(({ owner, number, about }) => this.#describeObject(owner, number, about));
    return { held: held.now, owners: owners.largest(), oldestHeld, kept: kept.now };
  }

  #describeObject(owner: PeerIncarnation, number: number, { typeName, sizeBytes, arrivedAtMs }: Held) {
    return { owner: peerId(owner), number, typeName, sizeBytes, ageMs: this.#options.now() - arrivedAtMs };
  }

  #dropUnread(): void {
    for (const [peer, { open }] of this.#kept) if (open.reads === 0) this.#kept.delete(peer);
  }

  close(): void {
    for (const owner of this.#owners.keys()) this.ended(owner);
  }

  /** Throws UnreachableError if the owner has ended. */
  arenasOf(owner: PeerIncarnation): AnnouncedArenas {
    const known = this.#owners.get(owner);
    if (known !== undefined) return known.arenas;
    throw new UnreachableError(`Partition ${owner}, which owns a value, has ended: the value cannot be read any more.`);
  }

  /**
   * An object has come, of an owner that is there. `send` is its number among those of the sender. Throws UnreachableError for a send that was given
   * up.
   */
  arrived(
    owner: PeerIncarnation,
    number: number,
    send: number,
    from: PeerIncarnation,
    { typeName, sizeBytes }: ArrivedObject,
  ): void {
    const known = this.#owners.get(owner);
    known?.late.check(number, from, send);
    if (known?.objects.has(number) === false) {
      const arrivedAtMs = this.#options.now();
      const [holding, settling, waiting, charged] = [newHolding, undefined, undefined, undefined];
      known.objects.set(number, { typeName, sizeBytes, arrivedAtMs, holding, settling, waiting, charged });
    }
    this.apply(owner, number, { kind: 'arrived', from: from === owner ? undefined : from });
  }

  /** A peer asks how many of its first `sent` sends of an object came. The others are refused from now on. */
  settle(owner: PeerIncarnation, number: number, from: PeerIncarnation, sent: number): number {
    const known = this.#owners.get(owner);
    known?.late.giveUp(number, from, sent);
    const holding = known?.objects.get(number)?.holding ?? newHolding;
    return from === owner ? holding.received : (holding.claims.get(from)?.asked ?? 0);
  }

  /**
   * Hands an object on to a peer. Returns the number of this send. `charged` is called once, when the owner has charged all forwards of the object,
   * or it is gone. Throws UnreachableError if the peer is not there: it would never claim the object. Then `charged` is not called.
   */
  forward(owner: PeerIncarnation, number: number, to: PeerIncarnation, charged?: () => void): number {
    if (!this.#owners.has(to)) throw new UnreachableError(`Partition ${to} has ended: no value can be sent to it.`);
    const held = this.#owners.get(owner)?.objects.get(number);
    if (held === undefined || held.settling?.has(to) === true)
      throw gone(owner, number, 'it is gone, or its owner has ended');
    this.apply(owner, number, { kind: 'forward', to });
    if (charged !== undefined) (held.charged ??= []).push(charged);
    return held.holding.forwards.get(to)?.sent ?? 0;
  }

  /** A forward was not sent. */
  unforwarded(owner: PeerIncarnation, number: number, to: PeerIncarnation): void {
    const forwards = this.#owners.get(owner)?.objects.get(number)?.holding.forwards.get(to);
    if (forwards === undefined) return;
    const { sent, lost } = forwards;
    this.apply(owner, number, { kind: 'settled', to, sent, received: sent - lost - 1 });
  }

  /** How often an object was forwarded to a peer that will be asked what came; undefined where there is nothing to ask. */
  inDoubt(owner: PeerIncarnation, number: number, to: PeerIncarnation): number | undefined {
    const held = this.#owners.get(owner)?.objects.get(number);
    const sent = held?.holding.forwards.get(to)?.sent;
    if (held === undefined || sent === undefined || held.settling?.has(to) === true) return undefined;
    held.settling ??= new Set();
    held.settling.add(to);
    return sent;
  }

  /** A peer has answered what came of forwards. */
  settled(owner: PeerIncarnation, number: number, to: PeerIncarnation, sent: number, received: number): void {
    const held = this.#owners.get(owner)?.objects.get(number);
    if (held?.settling?.delete(to) === true) this.apply(owner, number, { kind: 'settled', to, sent, received });
  }

  /** Resolves when the object may be read. Rejects with UnreachableError when it is gone. */
  async readable(owner: PeerIncarnation, number: number): Promise<void> {
    const held = this.#owners.get(owner)?.objects.get(number);
    if (held === undefined) throw gone(owner, number, 'it is gone, or its owner has ended');
    if (isReadable(held.holding)) return;
    if (!isClaimed(held.holding)) throw gone(owner, number, REFUSED);
    held.waiting ??= new Deferred();
    await held.waiting.promise;
  }

  /** An event for an object that is not held here is late, and changes nothing. */
  apply(owner: PeerIncarnation, number: number, event: HoldingEvent): void {
    const held = this.#owners.get(owner)?.objects.get(number);
    if (held === undefined) return;
    const { holding, effects } = applyToHolding(held.holding, event);
    held.holding = holding;
    for (const effect of effects) {
      if (effect.kind === 'release') this.#options.batch.release(owner, number, effect.total);
      else this.#claim(owner, number, effect.from, effect.total);
    }
    if (isReadable(holding)) settle(held, (waiting) => waiting.resolve());
    if (areCharged(holding.forwards)) callCharged(held);
  }

  /** The owner has refused to charge what came from a peer. */
  refused(owner: PeerIncarnation, number: number): void {
    const objects = this.#owners.get(owner)?.objects;
    const held = objects?.get(number);
    if (held === undefined) return;
    this.apply(owner, number, { kind: 'refused' });
    if (!isReadable(held.holding)) this.#lose(held, owner, number, REFUSED);
    const { received, released } = held.holding;
    // No totals that the owner could ask for again.
    if (received === 0 && released === 0 && !isReadable(held.holding)) objects?.delete(number);
  }

  /** The owner has given arenas back. */
  withdraw(owner: PeerIncarnation, arenas: readonly number[]): void {
    for (const arena of arenas) this.#owners.get(owner)?.arenas.withdraw(arena);
  }

  /** The owner has freed objects, which were given back: their totals are not needed any more. */
  freed(owner: PeerIncarnation, numbers: readonly number[]): void {
    const known = this.#owners.get(owner);
    for (const number of numbers) {
      const held = known?.objects.get(number);
      if (known === undefined || held === undefined || isReadable(held.holding)) continue;
      known.objects.delete(number);
      this.#lose(held, owner, number, 'it was freed');
    }
  }

  #claim(owner: PeerIncarnation, number: number, from: PeerIncarnation, total: number): void {
    const object: v1.RemoteObjectInit = { owner: peerId(owner), number };
    const value = { object, by: peerId(this.#options.self), from: peerId(from), total };
    this.#options.send(owner, { message: { case: 'claim', value } });
  }

  #lose(held: Held, owner: PeerIncarnation, number: number, why: string): void {
    settle(held, (waiting) => waiting.reject(gone(owner, number, why)));
    callCharged(held);
  }
}

function settle(held: Held, how: (waiting: Deferred<void>) => void): void {
  const { waiting } = held;
  held.waiting = undefined;
  if (waiting !== undefined) how(waiting);
}

function callCharged(held: Held): void {
  const { charged } = held;
  held.charged = undefined;
  for (const call of charged ?? []) call();
}

function gone(owner: PeerIncarnation, number: number, why: string): UnreachableError {
  return new UnreachableError(`Object ${number} of partition ${owner} cannot be read: ${why}.`);
}
