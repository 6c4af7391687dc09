import { UnreachableError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { v1 } from '../../protocol/index.js';
import { balanceOf, hasComeFromOwner, Ledger, type LedgerEvent, type PeerIncarnation } from '../ledger/index.js';
import type { ArenaPlace } from '../pool/index.js';
import type { Part, Storage } from '../storage/index.js';
import type { ControlBatch, SendControl } from './batch.js';
import { LateSends } from './late-sends.js';
import { peerId } from './peer-id.js';
import { Amount, AmountsByPeer } from './value-amounts.js';

export interface OwnedObjectsOptions {
  readonly self: PeerIncarnation;
  readonly send: SendControl;
  readonly batch: ControlBatch;
  /** A peer has said what cannot be. */
  readonly violation: (by: PeerIncarnation, reason: string) => void;
  readonly now: () => number;
}

/** What is known of an object beside its storage. */
export interface ObjectAbout {
  readonly typeName: string;
  /** What sends it: a publisher, or a method of an actor. */
  readonly origin: string;
}

interface Owned extends ObjectAbout {
  readonly storage: Storage;
  readonly sizeBytes: number;
  readonly registeredAtMs: number;
  /** Called when nobody holds the object any more. */
  readonly freed: (() => void) | undefined;
  /** Times that each peer has sent the object back to this partition. */
  returned: Map<PeerIncarnation, number> | undefined;
}

interface Peer {
  /**
   * Arenas that it knows: it has given back a value whose description announced them. Until then each description does, because any of them may be
   * lost, or come after a later one.
   */
  readonly known: Set<number>;
  /** Arenas that it may have mapped, also because another peer has told it of them. */
  readonly mapped: Set<number>;
  /** Objects of which it was asked what came, and has not answered. */
  readonly settling: Set<number>;
}

/** The objects of this partition that others may hold: the ledger, and the storage that it protects. */
export class OwnedObjects {
  readonly #options: OwnedObjectsOptions;
  readonly #self: v1.PeerId;
  readonly #ledger = new Ledger();
  /** The oldest first. */
  readonly #storages = new Map<number, Owned>();
  readonly #amount = new Amount();
  /** Freed because the last holder had ended. */
  readonly #reclaimed = new Amount();
  readonly #peers = new Map<PeerIncarnation, Peer>();
  /** The ids of arenas, by their promises `closed`: pools of several sources may give theirs the same ids. */
  readonly #arenas = new WeakMap<Promise<void>, number>();
  readonly #late = new LateSends();
  #registered = 0;
  #numbered = 0;

  constructor(options: OwnedObjectsOptions) {
    this.#options = options;
    this.#self = peerId(options.self);
  }

  get size(): number {
    return this.#storages.size;
  }

  joined(peer: PeerIncarnation): void {
    if (this.#peers.has(peer)) return;
    this.#peers.set(peer, { known: new Set(), mapped: new Set(), settling: new Set() });
    this.apply({ kind: 'joined', peer });
  }

  /** Returns what the peer held, and what of that is free now. */
  ended(peer: PeerIncarnation): { readonly held: v1.ValueAmount; readonly freed: v1.ValueAmount } {
    const held = this.#heldBy(peer);
    const before = this.#amount.now;
    this.#peers.delete(peer);
    this.apply({ kind: 'ended', peer });
    const freed = this.#amount.less(before);
    this.#reclaimed.values += freed.values;
    this.#reclaimed.sizeBytes += freed.sizeBytes;
    return { held, freed };
  }

  close(): void {
    this.apply({ kind: 'closed' });
    this.#peers.clear();
  }

  /** Takes the storage over, until nobody holds the object. Returns the number of the object. */
  register(about: ObjectAbout, storage: Storage): number {
    const object = this.#store(about, storage, undefined);
    this.apply({ kind: 'register', object });
    return object;
  }

  /**
   * What a peer is sent of an object that is made for it alone. Takes the storage over, until the peer does not hold it any more; then `freed` is
   * called, at once for a small value, which is in the message. Throws UnreachableError if the peer is not there.
   */
  give(about: ObjectAbout, storage: Storage, to: PeerIncarnation, freed: () => void): v1.RemoteDescriptorInit {
    const peer = this.#peers.get(to);
    const { typeName } = about;
    if (peer === undefined || storage.list.every(({ kind }) => kind === 'inline')) {
      const parts = storage.list.map(({ bytes }) => inlinePart(bytes));
      storage.dispose();
      freed();
      if (peer === undefined) throw ended(to);
      return { typeName, parts };
    }
    const arenas: v1.ArenaAnnouncementInit[] = [];
    const parts = storage.list.map((part) => this.#describePart(part, peer, arenas));
    const number = this.#store(about, storage, freed);
    this.apply({ kind: 'give', object: number, to });
    return { object: { owner: this.#self, number, send: 1 }, typeName, parts, arenas };
  }

  #store({ typeName, origin }: ObjectAbout, storage: Storage, freed: (() => void) | undefined): number {
    const { sizeBytes } = storage;
    this.#registered += 1;
    this.#amount.add(sizeBytes);
    const registeredAtMs = this.#options.now();
    const entry = { typeName, origin, storage, sizeBytes, registeredAtMs, freed, returned: undefined };
    this.#storages.set(this.#registered, entry);
    return this.#registered;
  }

  /**
   * What a peer is sent of an object, which the peer holds from now on. Small values are in the message, and the peer holds nothing. Throws
   * UnreachableError if the peer is not there, or the object is gone.
   */
  send(object: number, to: PeerIncarnation): v1.RemoteDescriptorInit {
    const [peer, entry] = [this.#peers.get(to), this.#storages.get(object)];
    if (peer === undefined) throw ended(to);
    if (entry === undefined || peer.settling.has(object)) throw new UnreachableError(`Object ${object} is gone.`);
    const { typeName, storage } = entry;
    const arenas: v1.ArenaAnnouncementInit[] = [];
    const parts = storage.list.map((part) => this.#describePart(part, peer, arenas));
    if (parts.every(({ place }) => place?.case === 'inline')) return { typeName, parts };
    this.apply({ kind: 'send', object, to });
    const send = this.#ledger.row(object)?.columns.get(to)?.sent ?? 0;
    return { object: { owner: this.#self, number: object, send }, typeName, parts, arenas };
  }

  /** A description was not sent: the peer never had the object. */
  unsent(object: number, to: PeerIncarnation): void {
    const column = this.#ledger.row(object)?.columns.get(to);
    if (column === undefined) return;
    const { sent, lost } = column;
    this.apply({ kind: 'settled', object, by: to, sent, received: sent - lost - 1 });
  }

  /** How often an object was sent to a peer that will be asked what came; undefined where there is nothing to ask. It is not sent again before that. */
  inDoubt(object: number, holder: PeerIncarnation): number | undefined {
    const peer = this.#peers.get(holder);
    const sent = this.#ledger.row(object)?.columns.get(holder)?.sent;
    if (peer === undefined || sent === undefined || peer.settling.has(object)) return undefined;
    peer.settling.add(object);
    return sent;
  }

  /** A peer has answered what came of an object. */
  settled(object: number, by: PeerIncarnation, sent: number, received: number): void {
    if (this.#peers.get(by)?.settling.delete(object) === true) {
      this.apply({ kind: 'settled', object, by, sent, received });
    }
  }

  /**
   * The bytes of a part, in place, for a peer that holds the object. Throws UnreachableError for an object that is gone, or that the peer does not
   * hold, and ProtocolError where there is no such part.
   */
  part(object: number, index: number, by: PeerIncarnation): Uint8Array {
    const [entry, row] = [this.#storages.get(object), this.#ledger.row(object)];
    if (entry === undefined || row === undefined) throw new UnreachableError(`Object ${object} is gone.`);
    if (balanceOf(row, by) > 0) return entry.storage.part(index);
    throw new UnreachableError(`Object ${object} cannot be fetched by ${by}, which does not hold it.`);
  }

  /** Who holds what: the totals, and the oldest objects. Visits each object. */
  describe(): Pick<v1.LedgerDescriptionInit, 'owned' | 'holders' | 'oldestOwned' | 'reclaimed'> {
    const holders = new AmountsByPeer();
    const oldestOwned: v1.ValueDescriptionInit[] = [];
    for (const [number, entry] of this.#storages) {
      const held = this.#holdersOf(number);
      for (const peer of held) holders.add(peer, entry.sizeBytes);
      if (oldestOwned.length < limits.describedValues) oldestOwned.push(this.#describeObject(number, entry, held));
    }
    return { owned: this.#amount.now, holders: holders.largest(), oldestOwned, reclaimed: this.#reclaimed.now };
  }

  #describeObject(
    number: number,
    { typeName, origin, sizeBytes, registeredAtMs }: Owned,
    holders: readonly PeerIncarnation[],
  ): v1.ValueDescriptionInit {
    const ageMs = this.#options.now() - registeredAtMs;
    const shown = holders.slice(0, limits.describedPeers).map(peerId);
    return { owner: this.#self, number, typeName, origin, sizeBytes, ageMs, holders: shown };
  }

  #holdersOf(object: number): readonly PeerIncarnation[] {
    const row = this.#ledger.row(object);
    return row === undefined ? [] : [...row.columns.keys()].filter((peer) => balanceOf(row, peer) > 0);
  }

  #heldBy(peer: PeerIncarnation): v1.ValueAmount {
    const held = new Amount();
    for (const object of this.#ledger.objectsOf(peer)) {
      const [entry, row] = [this.#storages.get(object), this.#ledger.row(object)];
      if (entry !== undefined && row !== undefined && balanceOf(row, peer) > 0) held.add(entry.sizeBytes);
    }
    return held.now;
  }

  /**
   * A peer has sent an object back. Returns its storage once more, and tells the peer, which is not liable any more. Throws UnreachableError for
   * an object that is gone.
   */
  returned(object: number, send: number, from: PeerIncarnation): Storage {
    this.#late.check(object, from, send);
    const entry = this.#storages.get(object);
    if (entry === undefined) throw new UnreachableError(`Object ${object} is gone.`);
    entry.returned ??= new Map();
    const total = (entry.returned.get(from) ?? 0) + 1;
    entry.returned.set(from, total);
    const value = { object: { owner: this.#self, number: object }, by: this.#self, from: peerId(from), total };
    this.#options.send(from, { message: { case: 'claimed', value } });
    return entry.storage.share();
  }

  /** A peer has given objects back: for each, how many times in all. Returns those that nobody holds any more, now or before: the peer may forget them. */
  released(by: PeerIncarnation, totals: ReadonlyMap<number, number>): readonly number[] {
    const known = this.#peers.get(by)?.known;
    for (const [object, total] of totals) {
      const row = this.#ledger.row(object);
      // What another peer had told it of the arenas does not count there.
      if (row === undefined || !hasComeFromOwner(row, by, total)) continue;
      for (const part of this.#storages.get(object)?.storage.list ?? []) {
        if (part.kind === 'block') known?.add(this.#arenaId(part.arena));
      }
    }
    this.apply({ kind: 'release', by, totals });
    return [...totals.keys()].filter((object) => object <= this.#registered && !this.#storages.has(object));
  }

  /** A peer asks how many of its first `sent` sends of an object of this partition came back. The others are refused from now on. */
  settleReturned(object: number, from: PeerIncarnation, sent: number): number {
    this.#late.giveUp(object, from, sent);
    return this.#storages.get(object)?.returned?.get(from) ?? 0;
  }

  apply(event: LedgerEvent): void {
    const { send, batch, violation } = this.#options;
    for (const effect of this.#ledger.apply(event)) {
      const remote = { owner: this.#self, number: effect.object };
      switch (effect.kind) {
        case 'free':
          batch.free(effect.peers, effect.object, event.kind === 'release' ? event.by : undefined);
          this.#free(effect.object);
          break;
        case 'claimed': {
          const { by, from, total } = effect;
          this.#willMap(effect.object, by);
          const value = { object: remote, by: peerId(by), from: peerId(from), total };
          for (const to of new Set([by, from])) send(to, { message: { case: 'claimed', value } });
          break;
        }
        case 'refused':
          send(effect.to, { message: { case: 'refused', value: remote } });
          break;
        case 'violation':
          violation(effect.by, effect.reason);
      }
    }
  }

  #free(object: number): void {
    const entry = this.#storages.get(object);
    if (entry === undefined) return;
    this.#storages.delete(object);
    this.#amount.remove(entry.sizeBytes);
    entry.storage.dispose();
    entry.freed?.();
  }

  #describePart(part: Part, peer: Peer, arenas: v1.ArenaAnnouncementInit[]): v1.StoredPartInit {
    const { bytes } = part;
    if (part.kind === 'inline') return inlinePart(bytes);
    if (part.kind === 'mapped' || part.arena.file === undefined)
      return { place: { case: 'fetched', value: bytes.length } };
    const id = this.#arenaId(part.arena);
    if (!peer.known.has(id) && !arenas.some(({ arena }) => arena === id)) {
      arenas.push({ arena: id, sizeBytes: part.arena.sizeBytes, ...part.arena.file });
    }
    peer.mapped.add(id);
    const { offset, sizeBytes } = part.location;
    return { place: { case: 'block', value: { arena: id, offset, sizeBytes } } };
  }

  /** The number by which peers know an arena. */
  #arenaId({ closed }: ArenaPlace): number {
    const known = this.#arenas.get(closed);
    if (known !== undefined) return known;
    this.#numbered += 1;
    this.#arenas.set(closed, this.#numbered);
    void this.#withdrawWhen(closed, this.#numbered);
    return this.#numbered;
  }

  /** A peer got the object from another, and may map what it lies in from now on. */
  #willMap(object: number, by: PeerIncarnation): void {
    const peer = this.#peers.get(by);
    if (peer === undefined) return;
    for (const part of this.#storages.get(object)?.storage.list ?? []) {
      if (part.kind === 'block') peer.mapped.add(this.#arenaId(part.arena));
    }
  }

  /**
   * The pool gives arenas back when they are empty. A peer that still maps one would keep its memory. An arena is waited for once, whatever the
   * number of peers is: what waits stays in memory until the arena is closed, and a peer that has ended must not.
   */
  async #withdrawWhen(closed: Promise<void>, id: number): Promise<void> {
    await closed;
    for (const [to, peer] of this.#peers) {
      peer.known.delete(id);
      if (peer.mapped.delete(id)) this.#options.send(to, { message: { case: 'withdrawal', value: { arenas: [id] } } });
    }
  }
}

function inlinePart(value: Uint8Array): v1.StoredPartInit {
  return { place: { case: 'inline', value } };
}

function ended(peer: PeerIncarnation): UnreachableError {
  return new UnreachableError(`Partition ${peer} has ended: no value can be sent to it.`);
}
