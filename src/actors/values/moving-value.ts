import {
  assertType,
  type Codable,
  CodedDescriptor,
  Descriptor,
  EncodedObject,
  type PeerIncarnation,
  type RemoteDescriptor,
  type ResidentDescriptor,
  type Storage,
  storedBytes,
} from '../../descriptors/index.js';
import { Deferred } from '../../deferred.js';
import { ConsumedError, ProtocolError } from '../../errors.js';
import { v1 } from '../../protocol/index.js';
import type { UntypedRef } from '../kernel/index.js';
import type { Addressing, ElementType } from '../pubsub/index.js';
import type { DescriptorExchange } from './descriptor-exchange.js';

/**
 * A value on its way from a publisher to a subscriber.
 *
 *     written --> here             a reader of this partition: it shares the storage
 *          `----> sent             a reader of another partition: the description that it gets
 *                  `====> arrived
 *     held    --> held here, or sent
 *     object  --> object here         a reader of this partition: it gets the very object
 */
export type MovingValue = (
  | {
      readonly kind: 'written';
      readonly typeName: string;
      readonly storage: Storage;
      /** The value itself, for readers of this partition. Without it they decode the storage. */
      readonly object?: ResidentDescriptor<unknown>;
    }
  | { readonly kind: 'here'; readonly typeName: string; readonly storage: Storage }
  /** A value of another partition that is sent on, and a descriptor of it for a reader of this partition. */
  | { readonly kind: 'held'; readonly value: RemoteDescriptor<unknown> }
  | { readonly kind: 'held here'; readonly value: RemoteDescriptor<unknown> }
  | { readonly kind: 'object'; readonly object: ResidentDescriptor<unknown> }
  | { readonly kind: 'object here'; readonly object: ResidentDescriptor<unknown> }
  | DescriptorMessage
  | { readonly kind: 'arrived'; readonly message: v1.RemoteDescriptor }
) & {
  readonly sizeBytes: number;
  /** What selects its reader with the policy `hash`. */
  readonly key?: string | number | bigint | undefined;
};

/** A description of a value, and the partition that holds the value by it. */
interface DescriptorMessage {
  readonly kind: 'sent';
  readonly message: v1.RemoteDescriptor;
  readonly to: PeerIncarnation;
}

/** Elements of a stream of values: on the wire they are `millrace.v1.RemoteDescriptor`. Each counts with the bytes of its value. */
export const movingValues: ElementType<MovingValue> = {
  typeName: v1.RemoteDescriptor.typeName,
  create: (value) => (isMoving(value) ? value : arrived(v1.RemoteDescriptor.create())),
  write(value, writer) {
    if (!isMoving(value) || value.kind !== 'sent') {
      const what = isMoving(value) ? value.kind : 'not from a publisher';
      throw new ProtocolError(`A value that is ${what} cannot be sent: it is not addressed.`);
    }
    v1.RemoteDescriptor.write(value.message, writer);
  },
  read: (reader, end) => arrived(v1.RemoteDescriptor.read(reader, end)),
  weigh: ({ sizeBytes }) => sizeBytes,
};

/** A value that was to be handed over as it is has a reader in another partition now: it must be encoded first. */
export class NotEncodedError extends Error {}

/** Values of one publisher that partitions of its readers hold. */
export class HeldByReaders {
  #count = 0;
  #none: Deferred<void> | undefined;
  #closed: Error | undefined;

  /** One more. Returns a function that is called once, when it is held no more. */
  add(): () => void {
    this.#count += 1;
    return () => {
      this.#count -= 1;
      if (this.#count > 0) return;
      this.#none?.resolve();
      this.#none = undefined;
    };
  }

  /** Resolves when none is held; any number of callers may wait. Rejects with the error of `close`. */
  async none(): Promise<void> {
    if (this.#count === 0) return;
    if (this.#closed !== undefined) throw this.#closed;
    this.#none ??= new Deferred();
    await this.#none.promise;
  }

  /** Nobody waits for readers any more. */
  close(error: Error): void {
    this.#closed ??= error;
    this.#none?.reject(error);
    this.#none = undefined;
  }
}

/** Gives each reader of a publisher something of its own: a share of the storage, or a description. */
export function addressing(exchange: DescriptorExchange, held: HeldByReaders, origin: string): Addressing<MovingValue> {
  return {
    address: (value, reader) => {
      if (value.kind === 'written') return addressed(exchange, held, origin, value, reader);
      if (value.kind === 'object') return handedOver(exchange, value, reader);
      return value.kind === 'held' ? forwarded(exchange, held, value, reader) : value;
    },
    withdraw: (value) => {
      if (value.kind === 'sent') exchange.unsent(value.message, value.to);
      else giveBack(value);
    },
    lost: (values) => giveUp(exchange, values),
  };
}

/** The descriptor of a value that has arrived from an actor. Throws as `RemoteDescriptorManager.receive`. */
export function descriptorOf<T>(
  exchange: DescriptorExchange,
  value: MovingValue,
  writer: UntypedRef,
  codable: Codable<T>,
): Descriptor<T> {
  if (value.kind === 'here') return localDescriptor(value, codable);
  if (value.kind === 'held here') {
    const shared = value.value.take(codable);
    return new Descriptor(codable.typeName, shared);
  }
  if (value.kind === 'object here') return objectDescriptor(value.object, codable);
  const from = exchange.peerOf(writer);
  if (value.kind !== 'arrived' || from === undefined)
    throw new ProtocolError(`A value arrived from ${writer.toString()} in no form that can be read.`);
  return exchange.receive(from, value.message, codable);
}

function addressed(
  exchange: DescriptorExchange,
  held: HeldByReaders,
  origin: string,
  { typeName, storage, sizeBytes, object }: Extract<MovingValue, { kind: 'written' }>,
  reader: UntypedRef,
): MovingValue {
  const to = exchange.peerOf(reader);
  if (to === undefined && object !== undefined) return { kind: 'object here', object: object.share(), sizeBytes };
  if (to === undefined) return { kind: 'here', typeName, storage: storage.share(), sizeBytes };
  const message = exchange.describe({ typeName, origin }, storage, to, held.add());
  return { kind: 'sent', message, to, sizeBytes };
}

/** The bytes stay where they are. The reader holds the value through this partition until the owner knows of it. */
function forwarded(
  exchange: DescriptorExchange,
  held: HeldByReaders,
  { value, sizeBytes }: Extract<MovingValue, { kind: 'held' }>,
  reader: UntypedRef,
): MovingValue {
  const to = exchange.peerOf(reader);
  if (to === undefined) return { kind: 'held here', value: value.share(), sizeBytes };
  const charged = held.add();
  try {
    return { kind: 'sent', message: exchange.forward(value, to, charged), to, sizeBytes };
  } catch (error) {
    charged();
    throw error;
  }
}

function handedOver(
  exchange: DescriptorExchange,
  { object, sizeBytes }: Extract<MovingValue, { kind: 'object' }>,
  reader: UntypedRef,
): MovingValue {
  if (exchange.peerOf(reader) !== undefined) throw new NotEncodedError();
  return { kind: 'object here', object: object.share(), sizeBytes };
}

/** Of a reader of this partition. One that has taken it has memory of its own. */
function giveBack(value: MovingValue): void {
  if (value.kind === 'here') value.storage.dispose();
  if (value.kind === 'held here') value.value.dispose();
  if (value.kind === 'object here') value.object.dispose();
}

function giveUp(exchange: DescriptorExchange, values: readonly MovingValue[]): void {
  const peers = new Map<PeerIncarnation, v1.RemoteDescriptor[]>();
  for (const value of values) {
    if (value.kind !== 'sent') {
      giveBack(value);
      continue;
    }
    const messages = peers.get(value.to) ?? [];
    messages.push(value.message);
    peers.set(value.to, messages);
  }
  for (const [to, messages] of peers) exchange.settle(messages, to);
}

/** Both ends have a codable of this name, so the object is what the reader expects. */
function objectDescriptor<T>(object: ResidentDescriptor<unknown>, codable: Codable<T>): Descriptor<T> {
  return new Descriptor(codable.typeName, object.take(codable));
}

function localDescriptor<T>(
  { typeName, storage }: Extract<MovingValue, { kind: 'here' }>,
  codable: Codable<T>,
): Descriptor<T> {
  if (storage.isDisposed) throw new ConsumedError('A value came to its subscriber after its publisher gave it up.');
  const moved = storage.move();
  try {
    assertType(codable.typeName, typeName);
  } catch (error) {
    moved.dispose();
    throw error;
  }
  return new Descriptor(codable.typeName, new CodedDescriptor(new EncodedObject(codable, moved)));
}

function arrived(message: v1.RemoteDescriptor): MovingValue {
  return { kind: 'arrived', message, sizeBytes: storedBytes(message) };
}

function isMoving(value: unknown): value is MovingValue {
  return typeof value === 'object' && value !== null && 'kind' in value && 'sizeBytes' in value;
}
