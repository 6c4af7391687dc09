import {
  checkedPeer,
  type Codable,
  type Descriptor,
  type MemoryPool,
  type ObjectAbout,
  peerId,
  type PeerIncarnation,
  peerIncarnation,
  type RemoteDescriptor,
  RemoteDescriptorManager,
  type Storage,
} from '../../descriptors/index.js';
import {
  BackpressureError,
  ProtocolError,
  RefusedError,
  Refusal,
  StoppedError,
  UnreachableError,
} from '../../errors.js';
import { descriptorsCUid, ownerOrdinal } from '../../ids/index.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import { type Ref, v1 } from '../../protocol/index.js';
import { pause, type Scheduler } from '../../scheduler/index.js';
import {
  type ActorSystem,
  type Behavior,
  behavior,
  type Context,
  describeActor,
  type UntypedRef,
} from '../kernel/index.js';
import { type Locate } from '../transport/index.js';
import { thrownByHandler } from '../../protocol/errors/index.js';
import { type EngineStatistics, Engines } from './engines.js';
import { PeerRequests } from './peer-requests.js';

export interface DescriptorExchangeOptions {
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly ordinal: number;
  /** Where values go that are copied or fetched here. */
  readonly pool: MemoryPool;
  readonly locate: Locate;
  /** Fetches of values at a time. */
  readonly engines: number;
}

/** Values that are on their way, and the memory that they take here. */
export interface ValueStatistics {
  /** Partitions that have exchanged values, each of which has an actor for that. */
  readonly exchanges: number;
  /** Values of this process that others hold. */
  readonly owned: number;
  /** Values of others that this process holds. */
  readonly held: number;
  /** Messages about values that could not be. */
  readonly violations: number;
  /** Blocks of the pool into which values are encoded and fetched. */
  readonly blocks: number;
  /** Memory that this pool has from the machine. */
  readonly reservedBytes: number;
  /** Bytes that were copied into this pool. */
  readonly bytesCopied: number;
  /** The network engines, which fetch values from memory that cannot be mapped. */
  readonly fetches: EngineStatistics;
}

/**
 * The descriptors of one partition, and the actor through which other partitions talk of them:
 *
 *     owner                                             reader
 *     describe(storage, to)   -- the value's message -->  receive(from, message)
 *                             <-- Fetch --                 where it cannot map the memory
 *                             <-- Control: releases --     the descriptor was disposed
 *     settle(to, objects)     -- Settle -->                what came of these? refuse the rest
 *
 * A peer is watched from the first value on. Its end is proven when its exchange stops, or when the control plane says that its process is gone;
 * a lost link proves nothing.
 */
export class DescriptorExchange {
  readonly pool: MemoryPool;
  readonly #options: DescriptorExchangeOptions;
  readonly #self: PeerIncarnation;
  readonly #manager: RemoteDescriptorManager;
  readonly #peers = new Map<PeerIncarnation, PeerRequests>();
  /** The partitions of actors that values were sent to, or came from. */
  readonly #partitions = new WeakMap<UntypedRef, PeerIncarnation>();
  readonly #engines: Engines;
  #context: Context | undefined;
  #isClosed = false;

  /** Starts the actor. */
  constructor(options: DescriptorExchangeOptions) {
    const { system, scheduler, log, ordinal, pool, engines } = options;
    this.#options = options;
    this.#engines = new Engines(engines);
    this.pool = pool;
    this.#self = peerIncarnation({ ordinal, incarnation: system.incarnation });
    this.#manager = new RemoteDescriptorManager({
      self: this.#self,
      pool,
      scheduler,
      log,
      send: (to, control) => this.#peers.get(to)?.tell(control),
      fetch: (...value) => this.#engines.run(() => this.#fetch(...value)),
    });
    system.spawn(this.#behavior(), { name: 'descriptors', cUid: descriptorsCUid(ordinal, system.incarnation) });
  }

  get statistics(): ValueStatistics {
    const { blocks, reservedBytes, bytesCopied } = this.pool.statistics;
    const fetches = this.#engines.statistics;
    return { exchanges: 1, ...this.#manager.statistics, blocks, reservedBytes, bytesCopied, fetches };
  }

  /** Who holds what: see `RemoteDescriptorManager.ledger`. */
  ledger(): v1.LedgerDescriptionInit {
    return this.#manager.ledger();
  }

  /** The partition of an actor; undefined for this one. Throws UnreachableError for an actor that belongs to no partition. */
  peerOf(actor: UntypedRef): PeerIncarnation | undefined {
    let name = this.#partitions.get(actor);
    if (name === undefined) {
      name = peerOfRef(actor.toRef());
      this.#partitions.set(actor, name);
    }
    return name === this.#self ? undefined : name;
  }

  /**
   * What the partition `to` is sent of storage that stays with the caller. `freed` is called once, when that partition does not hold it any
   * more. Throws StoppedError when this partition has stopped.
   */
  describe(about: ObjectAbout, storage: Storage, to: PeerIncarnation, freed: () => void): v1.RemoteDescriptor {
    this.#join(to);
    return this.#manager.describeShared(about, storage, to, freed);
  }

  /**
   * What the partition `to` is sent of a value of a third one, which is `ready`. `charged` is called once, when the owner knows that `to` holds it, or
   * it is gone. Throws UnreachableError when the value is gone; then `charged` is not called.
   */
  forward(value: RemoteDescriptor<unknown>, to: PeerIncarnation, charged: () => void): v1.RemoteDescriptor {
    this.#join(to);
    return v1.RemoteDescriptor.create(value.forwardTo(to, charged));
  }

  /** A description was not sent. */
  unsent(message: v1.RemoteDescriptor, to: PeerIncarnation): void {
    this.#manager.unsent(message, to);
  }

  /** These descriptions were sent, and may have been lost: asks the partition, until it answers or ends. */
  settle(messages: readonly v1.RemoteDescriptor[], to: PeerIncarnation): void {
    this.#peers.get(to)?.ask(this.#manager.inDoubt(messages, to));
  }

  /** The descriptor that came from an actor of another partition. Throws as `RemoteDescriptorManager.receive`. */
  receive<T>(from: PeerIncarnation, message: v1.RemoteDescriptor, codable: Codable<T>): Descriptor<T> {
    this.#join(from);
    this.#joinOwner(message.object);
    return this.#manager.receive(from, message, codable);
  }

  // ---- peers

  /** Begins to watch a peer. One that has ended already is found out by that. */
  #join(name: PeerIncarnation): PeerRequests {
    const known = this.#peers.get(name);
    if (known !== undefined) return known;
    const context = this.#context;
    if (this.#isClosed) throw new StoppedError('This partition has stopped: it exchanges no values.');
    const { system } = this.#options;
    const { ordinal, incarnation } = peerId(name);
    const service = v1.Descriptors.typeName;
    const ref = system.reference(v1.Descriptors, {
      cUid: descriptorsCUid(ordinal, incarnation),
      incarnation,
      service,
    });
    const settled = (receipts: readonly v1.ObjectReceipt[]): void => this.#manager.settled(name, receipts);
    const freed = (objects: readonly number[]): void => this.#manager.freed(name, objects);
    const peer = new PeerRequests({ name, ref, context, settled, freed });
    this.#peers.set(name, peer);
    this.#manager.joined(name);
    if (context !== undefined) this.#watchSoon(context, peer);
    return peer;
  }

  #joinOwner(object: v1.RemoteObject | undefined): void {
    if (object === undefined) return;
    const owner = checkedPeer(object.owner);
    if (owner !== this.#self) this.#join(owner);
  }

  /** In a turn of the actor: a watch over a link may be answered at once. */
  #watchSoon(context: Context, peer: PeerRequests): void {
    context.pipe(Promise.resolve(), () => this.#watch(peer));
  }

  /** The actor has started: there may be peers already. */
  #started(context: Context): void {
    this.#context = context;
    for (const peer of this.#peers.values()) {
      this.#watchSoon(context, peer);
      peer.start(context);
    }
  }

  #watch(peer: PeerRequests): void {
    if (!peer.isEnded) this.#context?.watch(peer.ref);
  }

  #terminated(ref: UntypedRef, isProven: boolean): void {
    const peer = this.#peers.get(peerOfRef(ref.toRef()));
    if (peer === undefined) return;
    if (isProven) this.#ended(peer);
    else this.#prove(peer);
  }

  /** The link to a peer was lost. Its process may go on: then it is watched again. */
  #prove(peer: PeerRequests): void {
    const { ordinal, incarnation } = peerId(peer.name);
    const again = (): void => void this.#context?.after(limits.descriptorRetryMs, () => this.#watch(peer));
    this.#context?.pipe(
      this.#options.locate(ordinal, incarnation),
      (address) => (address === undefined ? this.#ended(peer) : again()),
      again,
    );
  }

  #ended(peer: PeerRequests): void {
    if (peer.isEnded) return;
    peer.end();
    this.#peers.delete(peer.name);
    this.#manager.ended(peer.name);
  }

  // ---- fetching

  async #fetch(owner: PeerIncarnation, object: number, part: number, into: Uint8Array): Promise<void> {
    const peer = this.#join(owner);
    let filled = 0;
    for (let isFetched = false; !isFetched; ) {
      try {
        filled = await fill(into, await peer.fetch({ object, part }));
        isFetched = true;
      } catch (error) {
        // Too many fetches wait for the exchange of the peer.
        if (error instanceof BackpressureError) await peer.ref.ready();
        else if (error instanceof RefusedError && error.reason === NOT_INTRODUCED)
          await pause(this.#options.scheduler, limits.descriptorRetryMs);
        else throw thrownByHandler(error);
      }
    }
    if (filled !== into.length) throw wrongSize(owner, object, into.length);
  }

  /** Looks the part up for each piece: the object may be freed meanwhile, or given back by the peer. */
  async *#pieces(object: number, part: number, by: PeerIncarnation): AsyncGenerator<v1.FetchedPieceInit> {
    for (let offset = 0; offset < this.#manager.part(object, part, by).length; offset += limits.fetchPieceBytes) {
      const bytes = this.#manager.part(object, part, by);
      yield { bytes: bytes.subarray(offset, offset + limits.fetchPieceBytes) };
    }
  }

  // ---- the actor

  #behavior(): Behavior<typeof v1.Descriptors, undefined> {
    return behavior(v1.Descriptors, {
      supervision: { onFailure: 'resume' },
      control: (_state, { messages }, { sender }) => {
        const from = senderOf(sender);
        this.#join(from);
        return { objects: messages.flatMap((message) => this.#manager.control(from, message)) };
      },
      settle: (_state, { receipts }, { sender }) => {
        const from = senderOf(sender);
        this.#join(from);
        for (const { object } of receipts) this.#joinOwner(object);
        return { receipts: this.#manager.receipts(from, receipts).map((receipt) => v1.ObjectReceipt.create(receipt)) };
      },
      fetch: (_state, { object, part }, { sender }) => this.#pieces(object, part, senderOf(sender)),
      on: {
        started: (_state, context) => this.#started(context),
        terminated: (_state, { ref, reason }) => this.#terminated(ref, reason !== 'unreachable'),
        stopping: () => this.#close(),
      },
    });
  }

  #close(): void {
    this.#isClosed = true;
    for (const peer of this.#peers.values()) peer.end();
    this.#peers.clear();
    this.#manager.close();
  }
}

function peerOfRef({ cUid, service, incarnation }: Ref): PeerIncarnation {
  const ordinal = ownerOrdinal(cUid);
  if (ordinal === undefined)
    throw new UnreachableError(
      `${describeActor({ cUid, service })} belongs to no partition: no value can be sent to it.`,
    );
  return peerIncarnation({ ordinal, incarnation });
}

/** Returns how many bytes there are; no more than fit are written. */
async function fill(into: Uint8Array, pieces: AsyncIterable<v1.FetchedPiece>): Promise<number> {
  let filled = 0;
  for await (const { bytes } of pieces) {
    if (filled + bytes.length > into.length) return filled + bytes.length;
    into.set(bytes, filled);
    filled += bytes.length;
  }
  return filled;
}

/** The peer asks again. */
const NOT_INTRODUCED = 'NOT_INTRODUCED';

/**
 * Throws Refusal while the life of the sender is not known: over a link that loses frames or reorders them, a message may come before the hello of its
 * sender. What an object is charged to must be a life.
 */
function senderOf(sender: Ref | undefined): PeerIncarnation {
  if (sender === undefined) throw new ProtocolError('A message about descriptors has no sender.');
  if (sender.incarnation === 0n) throw new Refusal(NOT_INTRODUCED, 'the hello of the sender has not come yet');
  return peerOfRef(sender);
}

function wrongSize(owner: PeerIncarnation, object: number, sizeBytes: number): ProtocolError {
  return new ProtocolError(
    `Partition ${owner} sent another size than the ${sizeBytes} bytes that it stated for object ${object}.`,
  );
}
