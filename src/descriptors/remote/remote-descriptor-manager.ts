import { ProtocolError } from '../../errors.js';
import { messageOf } from '../../foreign.js';
import type { Logger } from '../../logging/index.js';
import { v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { PeerIncarnation } from '../ledger/index.js';
import {
  assertType,
  type Codable,
  CodedDescriptor,
  Descriptor,
  EncodedObject,
  Storage,
  type StoragePool,
} from '../storage/index.js';
import { ControlBatch, type SendControl } from './batch.js';
import { EndedPeers } from './ended-peers.js';
import { HeldObjects } from './held-objects.js';
import { LocalDescriptorHandle } from './local-descriptor-handle.js';
import { type ObjectAbout, OwnedObjects } from './owned-objects.js';
import { checkedObject, checkedPeer } from './peer-id.js';
import { type Fetch, RemoteDescriptor, type RemoteReading, storedBytes } from './remote-descriptor.js';

export interface RemoteDescriptorManagerOptions {
  /** This life of this partition. */
  readonly self: PeerIncarnation;
  /** Where values go that are encoded or copied here. */
  readonly pool: StoragePool;
  readonly send: SendControl;
  readonly fetch: Fetch;
  readonly scheduler: Pick<Scheduler, 'schedule' | 'now'>;
  readonly log: Logger;
}

/**
 * The values of one partition that are on their way: those that it owns and others hold, and those that it holds. It sends and receives nothing by
 * itself. A descriptor must come once or never. Control messages must come, and may come late, twice and in any order.
 */
export class RemoteDescriptorManager {
  readonly #options: RemoteDescriptorManagerOptions;
  readonly #batch: ControlBatch;
  readonly #owned: OwnedObjects;
  readonly #held: HeldObjects;
  readonly #endedPeers = new EndedPeers();
  /** What a descriptor that came needs. */
  readonly #reading: RemoteReading;
  #violations = 0;

  constructor(options: RemoteDescriptorManagerOptions) {
    const { self, send, scheduler } = options;
    this.#options = options;
    this.#batch = new ControlBatch(scheduler, send);
    const common = { self, send, batch: this.#batch, now: () => scheduler.now() };
    this.#owned = new OwnedObjects({ ...common, violation: (by, reason) => this.#violation(by, reason) });
    this.#held = new HeldObjects(common);
    this.#reading = { pool: options.pool, fetch: options.fetch, objects: this.#held };
  }

  get statistics(): { readonly owned: number; readonly held: number; readonly violations: number } {
    return { owned: this.#owned.size, held: this.#held.size, violations: this.#violations };
  }

  /** Who holds what, and what peers that have ended left. Its lists are bounded; the time that it takes is not: it visits each value. */
  ledger(): v1.LedgerDescriptionInit {
    const nowMs = this.#options.scheduler.now();
    return {
      ...this.#owned.describe(),
      ...this.#held.describe(),
      endedPeers: this.#endedPeers.list(nowMs, (peer) => this.#held.keptOf(peer)),
      violations: this.#violations,
    };
  }

  /** A peer can be sent values, and send some. */
  joined(peer: PeerIncarnation): void {
    this.#owned.joined(peer);
    this.#held.joined(peer);
  }

  /** A peer is proven to have ended: what it held is free, and what it owned is lost, unless it is being read here. */
  ended(peer: PeerIncarnation): void {
    this.#batch.forget(peer);
    const released = this.#owned.ended(peer);
    const lost = this.#held.ended(peer);
    this.#endedPeers.add(peer, this.#options.scheduler.now(), { ...released, lost });
  }

  /** This partition ends: all that it owns is freed, and nothing new can be read. What is read stays until it is disposed. Idempotent. */
  close(): void {
    this.#owned.close();
    this.#held.close();
  }

  /** Takes an encoded value over. What of it lies in memory of a peer is copied into the pool, because only its owner can send that on. */
  async register<T>(object: EncodedObject<T>): Promise<LocalDescriptorHandle> {
    const storage = await ownStorage(object.takeStorage(), this.#options.pool);
    const about = { typeName: object.codable.typeName, origin: '' };
    return new LocalDescriptorHandle(this.#owned, this.#owned.register(about, storage));
  }

  /**
   * What a peer is sent of storage that stays with the caller: an object of its own, which only the peer holds. `freed` is called once, when it
   * holds it no more; also where this throws UnreachableError, because the peer is gone.
   */
  describeShared(about: ObjectAbout, storage: Storage, to: PeerIncarnation, freed: () => void): v1.RemoteDescriptor {
    return v1.RemoteDescriptor.create(this.#owned.give(about, storage.share('kept'), to, freed));
  }

  /** A description was made for a peer, and not sent. Does nothing for one that has its value in it. */
  unsent({ object }: v1.RemoteDescriptor, to: PeerIncarnation): void {
    if (object === undefined) return;
    const { owner, number } = checkedObject(object);
    if (owner === this.#options.self) this.#owned.unsent(number, to);
    else this.#held.unforwarded(owner, number, to);
  }

  /** What to ask a peer about descriptions that it was sent, and may not have got. */
  inDoubt(messages: readonly v1.RemoteDescriptor[], holder: PeerIncarnation): readonly v1.ObjectReceiptInit[] {
    return messages.flatMap(({ object }): v1.ObjectReceiptInit[] => {
      if (object === undefined) return [];
      const { owner, number } = checkedObject(object);
      const isOwn = owner === this.#options.self;
      const sent = isOwn ? this.#owned.inDoubt(number, holder) : this.#held.inDoubt(owner, number, holder);
      return sent === undefined ? [] : [{ object: { owner: object.owner, number }, sent }];
    });
  }

  /** The answer of a peer to what `inDoubt` asks. What cannot be is counted and logged, and changes nothing. */
  settled(by: PeerIncarnation, receipts: readonly v1.ObjectReceipt[]): void {
    for (const receipt of receipts) this.#checked(by, () => this.#settled(by, receipt), undefined);
  }

  #settled(by: PeerIncarnation, { object, sent, received }: v1.ObjectReceipt): void {
    const { owner, number } = checkedObject(object);
    if (owner === this.#options.self) this.#owned.settled(number, by, sent, received);
    else this.#held.settled(owner, number, by, sent, received);
  }

  /** What came of objects that a peer has sent. What did not is refused from now on. */
  receipts(from: PeerIncarnation, asked: readonly v1.ObjectReceipt[]): readonly v1.ObjectReceiptInit[] {
    return asked.map(({ object, sent }) => {
      const { owner, number } = checkedObject(object);
      const isOwn = owner === this.#options.self;
      const received = isOwn
        ? this.#owned.settleReturned(number, from, sent)
        : this.#held.settle(owner, number, from, sent);
      return { object, sent, received };
    });
  }

  /**
   * A part of an object of this partition, in place, for a peer that holds it. Throws UnreachableError when it is gone or the peer does not hold
   * it, ProtocolError where there is no such part.
   */
  part(object: number, index: number, by: PeerIncarnation): Uint8Array {
    return this.#owned.part(object, index, by);
  }

  /**
   * What is sent of a descriptor, which is empty from now on: of one that came from a third partition, the bytes stay there.
   * Rejects with UnreachableError when the peer or the value is gone.
   */
  async describe<T>(descriptor: Descriptor<T>, to: PeerIncarnation): Promise<v1.RemoteDescriptor> {
    const held = descriptor.takeHeld();
    try {
      if (held instanceof RemoteDescriptor) {
        await held.ready();
        return v1.RemoteDescriptor.create(held.forwardTo(to));
      }
      const handle = await this.register(await held.encoded(this.#options.pool));
      return v1.RemoteDescriptor.create(releasedTo(handle, to));
    } finally {
      held.dispose();
    }
  }

  /**
   * The descriptor that a peer has sent. Throws ProtocolError for what cannot be one, or is of another type, and UnreachableError when its owner
   * has ended. What the peer has sent is given back then.
   */
  receive<T>(from: PeerIncarnation, message: v1.RemoteDescriptor, codable: Codable<T>): Descriptor<T> {
    if (message.object === undefined) {
      assertType(codable.typeName, message.typeName);
      return new Descriptor(codable.typeName, new RemoteDescriptor(codable, message, this.#reading, undefined));
    }
    const { owner, number } = checkedObject(message.object);
    if (owner === this.#options.self) return this.#returned(from, message.object, message.typeName, codable);
    const arenas = this.#held.arenasOf(owner);
    const about = { typeName: message.typeName, sizeBytes: storedBytes(message) };
    this.#held.arrived(owner, number, message.object.send, from, about);
    const remote = new RemoteDescriptor(codable, message, this.#reading, { owner, number });
    try {
      // Also where nobody reads this value: its owner takes what is given back for known.
      if (from === owner) {
        for (const { arena, sizeBytes, ...file } of message.arenas) arenas.announce({ arena, sizeBytes, file });
      }
      assertType(codable.typeName, message.typeName);
      return new Descriptor(codable.typeName, remote);
    } catch (error) {
      remote.dispose();
      throw error;
    }
  }

  /**
   * What a peer has sent of the objects of either. What cannot be is counted and logged, and changes nothing. Returns the objects that it gives back
   * and that nobody holds any more, for the answer to the peer: see `freed`.
   */
  control(from: PeerIncarnation, { message }: v1.DescriptorControl): readonly number[] {
    const handle = (): readonly number[] => {
      if (message.case === 'releases') return this.#released(from, message.value);
      this.#control(from, message);
      return [];
    };
    return this.#checked(from, handle, []);
  }

  /** What `handle` makes of something that a peer has sent; `refused` where that cannot be. */
  #checked<T>(from: PeerIncarnation, handle: () => T, refused: T): T {
    try {
      return handle();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#violation(from, messageOf(error));
      return refused;
    }
  }

  /** A peer has answered that nobody holds these objects of it any more, which were given back. */
  freed(owner: PeerIncarnation, objects: readonly number[]): void {
    this.#held.freed(owner, objects);
  }

  #released(by: PeerIncarnation, { totals }: v1.ObjectReleases): readonly number[] {
    return this.#owned.released(by, new Map(totals.map(({ object, total }) => [object, total])));
  }

  #control(from: PeerIncarnation, message: Exclude<v1.DescriptorControl['message'], { case: 'releases' }>): void {
    switch (message.case) {
      case 'claim': {
        const { object, from: before, total } = message.value;
        const { number } = checkedObject(object, this.#options.self);
        const event = { object: number, by: from, from: checkedPeer(before), total };
        return this.#owned.apply({ kind: 'claim', ...event });
      }
      case 'claimed': {
        const { object, by, from: before, total } = message.value;
        const { number } = checkedObject(object, from);
        const isMine = checkedPeer(by) === this.#options.self;
        if (isMine) return this.#held.apply(from, number, { kind: 'claimed', from: checkedPeer(before), total });
        return this.#held.apply(from, number, { kind: 'forwarded', to: checkedPeer(by), total });
      }
      case 'refused':
        return this.#held.refused(from, checkedObject(message.value, from).number);
      case 'withdrawal':
        return this.#held.withdraw(from, message.value.arenas);
      case 'freed':
        return this.#held.freed(from, message.value.objects);
      case undefined:
        throw new ProtocolError('A control message of descriptors says nothing.');
    }
  }

  #returned<T>(
    from: PeerIncarnation,
    { number, send }: v1.RemoteObject,
    typeName: string,
    codable: Codable<T>,
  ): Descriptor<T> {
    const storage = this.#owned.returned(number, send, from);
    const object = new EncodedObject(codable, storage);
    try {
      assertType(codable.typeName, typeName);
      return new Descriptor(codable.typeName, new CodedDescriptor(object));
    } catch (error) {
      object.dispose();
      throw error;
    }
  }

  #violation(by: PeerIncarnation, reason: string): void {
    this.#violations += 1;
    this.#options.log.warn('a peer sent an invalid descriptor message', { peer: by, reason });
  }
}

/** A handle whose peer is gone is not kept. */
function releasedTo(handle: LocalDescriptorHandle, to: PeerIncarnation): v1.RemoteDescriptorInit {
  try {
    return handle.sendTo(to);
  } finally {
    handle.dispose();
  }
}

/** Storage without parts in the memory of peers. */
async function ownStorage(storage: Storage, pool: StoragePool): Promise<Storage> {
  if (storage.list.every(({ kind }) => kind !== 'mapped')) return storage;
  const own = new Storage(pool);
  try {
    for (const { bytes } of storage.list) await own.write(bytes);
    return own;
  } catch (error) {
    own.dispose();
    throw error;
  } finally {
    storage.dispose();
  }
}
