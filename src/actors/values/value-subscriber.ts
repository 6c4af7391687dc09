import type { Codable, Descriptor } from '../../descriptors/index.js';
import { ProtocolError, StoppedError, UnreachableError } from '../../errors.js';
import { v1 } from '../../protocol/index.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';
import { retryAsk } from '../control-plane/index.js';
import {
  type ActorRef,
  type ActorSystem,
  type Route,
  routeKey,
  type UntypedRef,
  type Watcher,
} from '../kernel/index.js';
import { thrownByHandler } from '../../protocol/errors/index.js';
import type { DescriptorExchange } from './descriptor-exchange.js';
import { ValueInput } from './value-input.js';
import { type ValueReadOptions, valueWindow } from './value-window.js';

export interface ValueSubscriberOptions extends ValueReadOptions {
  /** Time to wait for the publisher, in ms. Default 5 000. */
  readonly timeoutMs?: number;
}

/** A subscriber to which nothing has come for this time, in ms, asks the publisher whether it is one of its readers. */
const CHECK_MS = 2_000;

interface Parts<T> {
  readonly name: string;
  readonly codable: Codable<T>;
  readonly options: ValueReadOptions;
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly exchange: DescriptorExchange;
}

/**
 * Reads the values of a publisher. `runtime.subscriber` makes it.
 *
 *     const frames = await runtime.subscriber('frames', bytesCodable);
 *     for await (const bytes of frames) sum += bytes[0];   // bytes live until the next turn of the loop
 */
export class ValueSubscriber<T> implements AsyncIterable<T>, AsyncDisposable {
  readonly name: string;
  readonly #parts: Parts<T>;
  readonly #input: ValueInput<T>;
  readonly #reader: UntypedRef;
  /** The writer, as long as it is watched. */
  #publisher: Route | undefined;
  #id = 0;
  #check: Timer | undefined;
  /** It reads nothing any more, and watches nobody. */
  #hasGivenUp = false;
  #closed: Promise<void> | undefined;
  readonly #rewire: ActorRef<v1.Subscriber>['rewire'];
  readonly #watcher: Watcher = { terminated: (_route, reason) => this.#publisherEnded(reason === 'unreachable') };

  /** Spawns its actor. */
  constructor(parts: Parts<T>) {
    this.name = parts.name;
    this.#parts = parts;
    const id = (): number => this.#id;
    this.#input = new ValueInput<T>({
      port: parts.name,
      get id() {
        return id();
      },
      codable: parts.codable,
      exchange: parts.exchange,
      window: valueWindow(parts.options),
    });
    const reader = parts.system.spawn(this.#input.behavior());
    this.#reader = reader;
    this.#rewire = (message, options) => reader.rewire(message, options);
    // Its runtime may stop before it is closed.
    reader[routeKey].watch({ terminated: () => this.#giveUp() });
  }

  /** Values that have arrived and were not read. */
  get waiting(): number {
    return this.#input.queued;
  }

  /** Values that were read. */
  get read(): number {
    return this.#input.read;
  }

  /** Begins to read. Rejects with ProtocolError when the publisher has values of another type. For the runtime. */
  async connect(publisher: ActorRef<v1.ValuePublisher>, timeoutMs: number): Promise<this> {
    const { scheduler, codable, system } = this.#parts;
    const subscription = { subscriber: this.#reader.toRef(), typeName: codable.typeName };
    try {
      const subscribed = await retryAsk(scheduler, timeoutMs, (options) => publisher.subscribe(subscription, options));
      if (this.#hasGivenUp) throw this.#stopped();
      const { reader, writer, publisher: ref } = subscribed;
      if (reader === 0) throw this.#lost();
      if (ref === undefined) throw new ProtocolError(`The publisher "${this.name}" does not name its writer.`);
      this.#id = reader;
      this.#publisher = system.reference(v1.Publisher, ref)[routeKey];
      this.#publisher.watch(this.#watcher);
      const joined = [v1.Member.create({ id: writer, ref })];
      await this.#rewire({ base: 0, nonce: 1, isSnapshot: true, joined, isComplete: true });
      this.#checkLater(publisher);
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
    const values = this.#input.descriptors()[Symbol.asyncIterator]();
    for (let next = await this.#next(values); next !== undefined; next = await this.#next(values)) {
      try {
        yield await next.takeValue();
      } finally {
        next.dispose();
      }
    }
  }

  /**
   * Reads the descriptors of the values. The caller disposes each, and may keep it as long as it likes. Fails as the values do.
   *
   *     for await (using frame of frames.descriptors()) kept.push(await frame.takeValue());
   */
  async *descriptors(): AsyncGenerator<Descriptor<T>, undefined> {
    const values = this.#input.descriptors()[Symbol.asyncIterator]();
    for (let next = await this.#next(values); next !== undefined; next = await this.#next(values)) yield next;
  }

  /** Reads nothing more. What has arrived and was not read is given back. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * The publisher may have lost this subscriber over one link while this one watches it over another, which goes on. It would send nothing more, and
   * nobody would say so.
   */
  #checkLater(publisher: ActorRef<v1.ValuePublisher>): void {
    if (this.#publisher === undefined) return;
    const arrived = this.waiting + this.read;
    this.#check = this.#parts.scheduler.setTimer(CHECK_MS, () => {
      if (this.waiting + this.read === arrived) void this.#checkNow(publisher);
      else this.#checkLater(publisher);
    });
  }

  async #checkNow(publisher: ActorRef<v1.ValuePublisher>): Promise<void> {
    const subscription = { subscriber: this.#reader.toRef(), typeName: this.#parts.codable.typeName, reader: this.#id };
    try {
      const { reader } = await publisher.subscribe(subscription, { timeoutMs: CHECK_MS });
      if (reader === 0 && this.#publisher !== undefined) {
        this.#publisher.unwatch(this.#watcher);
        this.#publisherEnded(true);
      }
    } catch {
      // It may be answered the next time. What ends the publisher, or the link over which it is watched, is told by the watch.
    }
    this.#checkLater(publisher);
  }

  #endCheck(): void {
    if (this.#check !== undefined) this.#parts.scheduler.clearTimer(this.#check);
    this.#check = undefined;
  }

  /** Closes the subscriber at the end of the stream, and when that fails. */
  async #next(values: AsyncIterator<Descriptor<T>>): Promise<Descriptor<T> | undefined> {
    try {
      const step = await values.next();
      if (step.done !== true) return step.value;
    } catch (error) {
      await this.close();
      throw error;
    }
    await this.close();
    return undefined;
  }

  async #close(): Promise<void> {
    this.#giveUp();
    await this.#parts.system.stop(this.#reader);
  }

  #giveUp(): void {
    this.#hasGivenUp = true;
    this.#endCheck();
    this.#input.close(this.#stopped());
    this.#publisher?.unwatch(this.#watcher);
    this.#publisher = undefined;
  }

  #publisherEnded(isUnreachable: boolean): void {
    this.#publisher = undefined;
    this.#endCheck();
    const stopped = `The publisher "${this.name}" was closed before the end of its stream.`;
    this.#input.fail(isUnreachable ? this.#lost() : new StoppedError(stopped));
  }

  #lost(): UnreachableError {
    const what = `The publisher "${this.name}" cannot be reached any more`;
    return new UnreachableError(`${what}: its process ended, or the link to it was lost.`);
  }

  #stopped(): StoppedError {
    return new StoppedError(`The subscriber of "${this.name}" is closed.`);
  }
}
