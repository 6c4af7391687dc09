import type { Codable, Descriptor } from '../../descriptors/index.js';
import { ProtocolError, StoppedError, UnreachableError } from '../../errors.js';
import { errorOf } from '../../foreign.js';
import { v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { retryAsk } from '../control-plane/index.js';
import {
  type ActorRef,
  type ActorSystem,
  type Route,
  routeKey,
  type UntypedRef,
  type Watcher,
} from '../kernel/index.js';
import { Subscriber } from '../pubsub/index.js';
import { thrownByHandler } from '../transport/index.js';
import type { DescriptorExchange } from './descriptor-exchange.js';
import { descriptorOf, type MovingValue, movingValues } from './moving-value.js';
import { type ValueReadOptions, valueWindow } from './value-window.js';

export interface ValueSubscriberOptions extends ValueReadOptions {
  /** Time to wait for the publisher, in ms. Default 5 000. */
  readonly timeoutMs?: number;
}

interface Parts<T> {
  readonly name: string;
  readonly codable: Codable<T>;
  readonly options: ValueReadOptions;
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly exchange: DescriptorExchange;
}

/** A value that cannot be read is an error for the one who reads it, in its turn. */
type Arrived<T> = { readonly descriptor: Descriptor<T> } | { readonly error: Error };

/**
 * Reads the values of a publisher. `runtime.subscriber` makes it.
 *
 *     const frames = await runtime.subscriber('frames', bytesCodable);
 *     for await (const bytes of frames) sum += bytes[0];   // bytes live until the next turn of the loop
 */
export class ValueSubscriber<T> implements AsyncIterable<T>, AsyncDisposable {
  readonly name: string;
  readonly #parts: Parts<T>;
  readonly #port: Subscriber<MovingValue>;
  readonly #reader: UntypedRef;
  /** What became of each value that has arrived and was not read. */
  readonly #arrived = new WeakMap<MovingValue, Arrived<T>>();
  /** The writer, as long as it is watched. */
  #publisher: Route | undefined;
  #id = 0;
  #closed: Promise<void> | undefined;
  readonly #rewire: ActorRef<v1.Subscriber>['rewire'];
  readonly #watcher: Watcher = { terminated: (_route, reason) => this.#publisherEnded(reason === 'unreachable') };

  /** Spawns its actor. */
  constructor(parts: Parts<T>) {
    this.name = parts.name;
    this.#parts = parts;
    const id = (): number => this.#id;
    this.#port = new Subscriber<MovingValue>({
      port: parts.name,
      get id() {
        return id();
      },
      type: movingValues,
      window: valueWindow(parts.options),
      arrived: (value, writer) => this.#arrive(value, writer),
      discarded: (value) => this.#discard(value),
    });
    const reader = parts.system.spawn(this.#port.behavior());
    this.#reader = reader;
    this.#rewire = (message, options) => reader.rewire(message, options);
    // Its runtime may stop before it is closed.
    reader[routeKey].watch({ terminated: () => this.#port.close(this.#stopped()) });
  }

  /** Values that have arrived and were not read. */
  get waiting(): number {
    return this.#port.queued;
  }

  /** Values that were read. */
  get read(): number {
    return this.#port.read;
  }

  /** Begins to read. Rejects with ProtocolError when the publisher has values of another type. For the runtime. */
  async connect(publisher: ActorRef<v1.ValuePublisher>, timeoutMs: number): Promise<this> {
    const { scheduler, codable, system } = this.#parts;
    const subscription = { subscriber: this.#reader.toRef(), typeName: codable.typeName };
    try {
      const subscribed = await retryAsk(scheduler, timeoutMs, (options) => publisher.subscribe(subscription, options));
      const { reader, writer, publisher: ref } = subscribed;
      if (ref === undefined) throw new ProtocolError(`The publisher "${this.name}" does not name its writer.`);
      this.#id = reader;
      this.#publisher = system.reference(v1.Publisher, ref)[routeKey];
      this.#publisher.watch(this.#watcher);
      const joined = [v1.Member.create({ id: writer, ref })];
      await this.#rewire({ base: 0, nonce: 1, isSnapshot: true, joined, isComplete: true });
      return this;
    } catch (error) {
      await this.close();
      throw thrownByHandler(error);
    }
  }

  /**
   * Reads the values. Memory of a value that was not copied belongs to the publisher: it may be used until the next value is asked for, and is given
   * back then. Throws ProtocolError for a value that cannot be decoded, UnreachableError when the publisher is gone before the end, and
   * StoppedError when either side was closed.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, undefined> {
    const values = this.#port[Symbol.asyncIterator]();
    try {
      for (let next = await this.#next(values); next !== undefined; next = await this.#next(values)) {
        try {
          yield await next.takeValue();
        } finally {
          next.dispose();
        }
      }
    } finally {
      this.#port.release();
    }
  }

  /**
   * Reads the descriptors of the values. The caller disposes each, and may keep it as long as it likes. Fails as the values do.
   *
   *     for await (using frame of frames.descriptors()) kept.push(await frame.takeValue());
   */
  async *descriptors(): AsyncGenerator<Descriptor<T>, undefined> {
    const values = this.#port[Symbol.asyncIterator]();
    try {
      for (let next = await this.#next(values); next !== undefined; next = await this.#next(values)) yield next;
    } finally {
      this.#port.release();
    }
  }

  /** Reads nothing more. What has arrived and was not read is given back. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Closes the subscriber at the end of the stream, and when it fails. */
  async #next(values: AsyncIterator<MovingValue, undefined>): Promise<Descriptor<T> | undefined> {
    try {
      const { value } = await values.next();
      if (value !== undefined) return this.#take(value);
    } catch (error) {
      await this.close();
      throw error;
    }
    await this.close();
    return undefined;
  }

  async #close(): Promise<void> {
    this.#port.close(this.#stopped());
    this.#publisher?.unwatch(this.#watcher);
    await this.#parts.system.stop(this.#reader);
  }

  #arrive(value: MovingValue, writer: UntypedRef): void {
    const { exchange, codable } = this.#parts;
    try {
      this.#arrived.set(value, { descriptor: descriptorOf(exchange, value, writer, codable) });
    } catch (error) {
      this.#arrived.set(value, { error: errorOf(error) });
    }
  }

  #take(value: MovingValue): Descriptor<T> {
    const arrived = this.#arrived.get(value) ?? { error: this.#stopped() };
    if ('error' in arrived) throw arrived.error;
    return arrived.descriptor;
  }

  #discard(value: MovingValue): void {
    const arrived = this.#arrived.get(value);
    if (arrived !== undefined && 'descriptor' in arrived) arrived.descriptor.dispose();
  }

  #publisherEnded(isUnreachable: boolean): void {
    this.#publisher = undefined;
    const what = `The publisher "${this.name}"`;
    this.#port.fail(
      isUnreachable
        ? new UnreachableError(`${what} cannot be reached any more: its process ended, or the link to it was lost.`)
        : new StoppedError(`${what} was closed before the end of its stream.`),
    );
  }

  #stopped(): StoppedError {
    return new StoppedError(`The subscriber of "${this.name}" is closed.`);
  }
}
