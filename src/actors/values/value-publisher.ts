import { Deferred } from '../../deferred.js';
import {
  assertType,
  type Codable,
  Descriptor,
  type HeldValue,
  type MemoryPool,
  RemoteDescriptor,
  ResidentDescriptor,
} from '../../descriptors/index.js';
import { ConfigError, ProtocolError, StoppedError } from '../../errors.js';
import { accepted, checkOptions } from '../../options/index.js';
import { limits } from '../../limits.js';
import { type Ref, v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { isLate, ReplicaSource, retryAsk } from '../control-plane/index.js';
import {
  type ActorRef,
  type ActorSystem,
  assertSentBy,
  type Behavior,
  behavior,
  type Context,
  later,
  type Later,
  type TerminationReason,
} from '../kernel/index.js';
import { type Policy, Publisher, type WithoutReaders } from '../pubsub/index.js';
import type { DescriptorExchange } from './descriptor-exchange.js';
import { addressing, HeldByReaders, type MovingValue, movingValues } from './moving-value.js';

export interface ValuePublisherOptions {
  /**
   * Which subscribers get a value: the next one, the one that lets most through, one of this process if that has room, the one that the key of the
   * write selects, or all. Default `round-robin`.
   */
  readonly policy?: Policy;
  /** What becomes of a value that nobody is there to read: it waits, it is counted and dropped, or its write fails. Default `wait`. */
  readonly withoutSubscribers?: Exclude<WithoutReaders, 'close'>;
  /** Where values are encoded that were not born in a pool. Default: a pool that all publishers of this runtime share. */
  readonly pool?: MemoryPool;
}

export interface PublisherStatistics {
  readonly subscribers: number;
  /** Values that were sent. */
  readonly written: number;
  /** Values that wait for a subscriber to read more. */
  readonly waiting: number;
  /** Values that nobody was there to read. */
  readonly dropped: number;
  /** Values that were sent to subscribers that ended before they had confirmed them. Some of these may have been read. */
  readonly lost: number;
}

interface Parts<T> {
  readonly name: string;
  readonly codable: Codable<T>;
  readonly options: ValuePublisherOptions;
  readonly system: ActorSystem;
  readonly exchange: DescriptorExchange;
  readonly isLossy: () => boolean;
  /** Resolves when the name of an actor that has ended is free again. */
  readonly left: () => Promise<void>;
}

type Key = string | number | bigint;

const NO_OPTIONS: WriteOptions = {};

export interface WriteOptions {
  /** For the policy `hash`: values with the same key go to the same subscriber, as long as the subscribers do not change. */
  readonly key?: Key;
}

/** Id of the writer: a publisher is the only one of its name. */
const WRITER = 1;

/**
 * Publishes values of one type under a name. `runtime.publisher` makes it.
 *
 *     const frames = await runtime.publisher('frames', bytesCodable);
 *     await frames.write(bytes);
 *     await frames.end();
 */
export class ValuePublisher<T> implements AsyncDisposable {
  readonly name: string;
  /** The actor that subscribers look up. */
  readonly ref: ActorRef<v1.ValuePublisher>;
  readonly #parts: Parts<T>;
  readonly #port: Publisher<MovingValue>;
  readonly #writer: ActorRef<v1.Publisher>;
  /** The ids of subscribers, by their channels. */
  readonly #readers = new Map<bigint, number>();
  readonly #held = new HeldByReaders();
  /** The readers as members of the port. The writer is the only listener. */
  readonly #members = new ReplicaSource<v1.Member>();
  /** Settles when the writer has all members. Undefined: nothing is sent to it. */
  #wiring: Promise<void> | undefined;
  #lastReader = 0;
  #lost = 0;
  /** Settles when all values before are encoded and given to the port: each has its turn, however long it takes to encode. Undefined: they are. */
  #turn: Promise<void> | undefined;
  #ended: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  /** Spawns its actors. */
  constructor(parts: Parts<T>) {
    const { name, options, system, exchange, isLossy } = parts;
    this.name = name;
    this.#parts = parts;
    this.#port = new Publisher<MovingValue>({
      port: name,
      id: WRITER,
      type: movingValues,
      policy: options.policy ?? 'round-robin',
      key: ({ key = '' }) => key,
      isNear: (reader) => exchange.peerOf(reader) === undefined,
      isLossy,
      recovers: true,
      failed: () => void this.close(),
      addressing: addressing(exchange, this.#held, `publisher ${name}`),
      readerLost: (elements, reader) => this.#readerLost(elements, reader),
      withoutReaders: options.withoutSubscribers ?? 'wait',
    });
    this.#writer = system.spawn(this.#port.behavior());
    this.#members.listen(WRITER);
    // The writer is told that there is no member yet: an update without a change is needed for that.
    this.#members.touch();
    this.ref = system.spawn(this.#behavior());
  }

  get statistics(): PublisherStatistics {
    const { readers, written, dropped, queued } = this.#port;
    return { subscribers: readers, written, waiting: queued, dropped, lost: this.#lost };
  }

  /**
   * Sends a value. Values are sent in the order of the calls. Bytes that lie in a block of a pool are not copied: do not change them any more, and
   * dispose the block when `write` has resolved. Other values are encoded into the pool.
   *
   * Resolves when a subscriber lets the value through; its memory is free when all that got it have disposed it. Rejects with what the codable or
   * the pool throws, with StoppedError when the publisher has ended, with BackpressureError when `limits.pendingWrites` writes wait, and with
   * UnreachableError when nobody reads and `withoutSubscribers` is `fail`.
   *
   *     using block = await pool.allocate(1_000_000);
   *     block.bytes.fill(7);
   *     await frames.write(block.bytes);
   *
   * With the policy `hash` each write has a `key`; without it, it rejects with ConfigError.
   *
   * A descriptor is empty from now on. One that came from another partition is sent on without a copy: its bytes stay where they are.
   */
  async write(value: T | Descriptor<T>, options: WriteOptions = NO_OPTIONS): Promise<void> {
    this.#assertOpen();
    const { key } = checkedWrite(this.name, this.#parts.options.policy, options);
    const held = value instanceof Descriptor ? value.takeHeld() : new ResidentDescriptor(this.#parts.codable, value);
    const preparing =
      held instanceof RemoteDescriptor && held.isElsewhere ? sentOn(held, key) : this.#stored(held, key);
    const before = this.#turn;
    const given = new Deferred<void>();
    const turn = before === undefined ? given.promise : before.then(() => given.promise);
    this.#turn = turn;
    let prepared: Prepared | undefined;
    try {
      prepared = await preparing;
      if (before !== undefined) await before;
      const written = this.#port.write(prepared.value);
      if (this.#turn === turn) this.#turn = undefined;
      given.resolve();
      await written;
    } finally {
      given.resolve();
      prepared?.memory.dispose();
      held.dispose();
    }
  }

  /**
   * Ends the stream. Resolves when all subscribers have read all of it, and given all memory back: then the name is free, and the process may stop. Of a
   * value that was sent on without a copy, the owner must know the subscriber that has it. A
   * subscriber that keeps descriptors keeps this waiting; `close` does not wait, and makes it reject with StoppedError. Idempotent.
   */
  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  /** Stops at once. Subscribers that have not read all get StoppedError. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #end(): Promise<void> {
    await this.#turn;
    await this.#port.end();
    await this.#held.none();
    await this.close();
  }

  async #stored(held: HeldValue<T>, key: Key | undefined): Promise<Prepared> {
    const { codable, options, exchange } = this.#parts;
    const object = await held.encoded(options.pool ?? exchange.pool);
    const storage = object.takeStorage();
    const { typeName } = codable;
    return { value: { kind: 'written', typeName, storage, sizeBytes: storage.sizeBytes, key }, memory: storage };
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw new StoppedError(`The publisher "${this.name}" is closed: make another one.`);
  }

  async #close(): Promise<void> {
    const { system, left } = this.#parts;
    this.#giveUp(new StoppedError(`The publisher "${this.name}" was closed.`));
    await Promise.all([system.stop(this.ref), system.stop(this.#writer)]);
    await left();
  }

  #giveUp(error: StoppedError): void {
    this.#port.close(error);
    this.#held.close(error);
  }

  #behavior(): Behavior<typeof v1.ValuePublisher, undefined> {
    return behavior(v1.ValuePublisher, {
      supervision: { onFailure: 'resume' },
      subscribe: (_state, subscription, context) => this.#subscribe(subscription, context),
      on: {
        // From now on it is known that nobody reads.
        started: (_state, { scheduler }) => this.#wired(scheduler),
        terminated: (_state, { ref, reason }) => this.#readerEnded(ref.toRef().cUid, reason),
        stopping: () => this.#giveUp(new StoppedError(`The runtime of the publisher "${this.name}" has stopped.`)),
      },
    });
  }

  #subscribe(subscription: v1.Subscription, context: Context): v1.SubscribedInit | Later<v1.SubscribedInit> {
    const { subscriber, typeName, reader } = subscription;
    if (subscriber === undefined) throw new ProtocolError(`A subscription to "${this.name}" names no subscriber.`);
    assertSentBy(context, subscriber, `A subscription to "${this.name}"`);
    const present = (id: number): number => (this.#readers.get(subscriber.cUid) === id ? id : 0);
    if (reader !== 0) return { reader: present(reader) };
    assertType(typeName, this.#parts.codable.typeName);
    const id = this.#readers.get(subscriber.cUid) ?? this.#joined(subscriber, context);
    return later(
      this.#wired(context.scheduler).then(() => ({
        reader: present(id),
        publisher: this.#writer.toRef(),
        writer: WRITER,
      })),
    );
  }

  #joined(subscriber: Ref, context: Context): number {
    this.#lastReader += 1;
    const id = this.#lastReader;
    this.#readers.set(subscriber.cUid, id);
    this.#members.set(id, v1.Member.create({ id, ref: subscriber }));
    context.watch(context.ref(v1.Subscriber, subscriber));
    return id;
  }

  /** The writer watches its readers too, and perhaps over another link: where one of both was lost, the reader is none any more. */
  #readerEnded(cUid: bigint, reason: TerminationReason): void {
    const id = this.#readers.get(cUid);
    if (id === undefined) return;
    this.#readers.delete(cUid);
    this.#members.delete(id);
    if (reason === 'unreachable') this.#port.lose(cUid);
  }

  #readerLost(elements: number, reader: number): void {
    this.#lost += elements;
    for (const [cUid, id] of this.#readers) if (id === reader) this.#readers.delete(cUid);
    this.#members.delete(reader);
  }

  /** Resolves when the writer has all members. Rejects when it has ended. */
  #wired(scheduler: Scheduler): Promise<void> {
    this.#wiring ??= this.#wire(scheduler);
    return this.#wiring;
  }

  async #wire(scheduler: Scheduler): Promise<void> {
    // What is sent in the turn of `subscribe` would get its deadline. The writer has to hear of the member also when the subscriber waits no more.
    await Promise.resolve();
    try {
      for (let diff = this.#members.diffFor(WRITER); diff !== undefined; diff = this.#members.diffFor(WRITER)) {
        const { base, nonce, isSnapshot, changed: joined, removed: left } = diff;
        await this.#rewire({ base, nonce, isSnapshot, joined, left, isComplete: true }, scheduler);
      }
    } finally {
      this.#wiring = undefined;
    }
  }

  async #rewire(membership: v1.MembershipInit, scheduler: Scheduler): Promise<void> {
    try {
      const applied = await retryAsk(scheduler, limits.controlPlaneTimeoutMs, (options) =>
        this.#writer.rewire(membership, options),
      );
      this.#members.acknowledge(WRITER, applied.nonce);
    } catch (error) {
      if (!isLate(error)) throw error;
    }
  }
}

/** What is given to the port, and what is disposed when the port has it. */
interface Prepared {
  readonly value: MovingValue;
  readonly memory: { dispose(): void };
}

async function sentOn(held: RemoteDescriptor<unknown>, key: Key | undefined): Promise<Prepared> {
  await held.ready();
  return { value: { kind: 'held', value: held, sizeBytes: held.sizeBytes, key }, memory: held };
}

function checkedWrite(name: string, policy: Policy | undefined, options: WriteOptions): WriteOptions {
  if (options !== NO_OPTIONS) checkOptions('publisher.write', options, { key: accepted.anything });
  if ((policy === 'hash') === (options.key !== undefined)) return options;
  throw new ConfigError(
    policy === 'hash'
      ? `A write of the publisher "${name}" needs a key, because its policy is hash: write(value, { key }).`
      : `A write of the publisher "${name}" has a key, and only the policy hash uses one.`,
  );
}
