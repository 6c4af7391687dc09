import type { Codable, Descriptor } from '../../descriptors/index.js';
import { type MillraceError, StoppedError } from '../../errors.js';
import { errorOf } from '../../foreign.js';
import type { Behavior, UntypedRef } from '../kernel/index.js';
import { Subscriber, type SubscriberService, type Window } from '../pubsub/index.js';
import type { DescriptorExchange } from './descriptor-exchange.js';
import { descriptorOf, type MovingValue, movingValues } from './moving-value.js';

/** Values as they are read: one after the other, or their descriptors. */
export interface Values<T> extends AsyncIterable<T> {
  /**
   * The descriptors of the values. The reader disposes each, and may keep it as long as it likes, or write it to an output, which copies nothing.
   *
   *     for await (const frame of input.descriptors()) await output.write(frame);
   */
  descriptors(): AsyncIterable<Descriptor<T>>;
}

export interface ValueInputOptions<T> {
  /** Name of the port, for error messages. */
  readonly port: string;
  /** Id of this reader within the port. */
  readonly id: number;
  readonly codable: Codable<T>;
  readonly exchange: DescriptorExchange;
  readonly window: Partial<Window>;
}

/** A value that cannot be read is an error for the one who reads it, in its turn. */
type Arrived<T> = { readonly descriptor: Descriptor<T> } | { readonly error: Error };

/** The reading end of a port of values: what has arrived is held here until it is read, and what was read until the next one is asked for. */
export class ValueInput<T> implements Values<T> {
  readonly #options: ValueInputOptions<T>;
  readonly #port: Subscriber<MovingValue>;
  /** What became of each value that has arrived and was not read. */
  readonly #arrived = new WeakMap<MovingValue, Arrived<T>>();
  /** The descriptors of values that the reader has. */
  readonly #lent: Descriptor<T>[] = [];

  constructor(options: ValueInputOptions<T>) {
    this.#options = options;
    this.#port = new Subscriber<MovingValue>({
      port: options.port,
      get id() {
        return options.id;
      },
      type: movingValues,
      window: options.window,
      arrived: (value, writer) => this.#arrive(value, writer),
      discarded: (value) => this.#discard(value),
    });
  }

  /** Values that have arrived and were not read. */
  get queued(): number {
    return this.#port.queued;
  }

  /** Values that were read. */
  get read(): number {
    return this.#port.read;
  }

  /** Connected writers that have not ended. */
  get references(): number {
    return this.#port.references;
  }

  /** The reader has a value whose memory is given back when it reads on. */
  get isLending(): boolean {
    return this.#lent.some(({ holdsMemory }) => holdsMemory);
  }

  /** The actor that receives the messages of writers. */
  behavior(): Behavior<SubscriberService<MovingValue>, undefined> {
    return this.#port.behavior();
  }

  /** The value, which may be used until the next one is asked for. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    const values = this.#port[Symbol.asyncIterator]();
    return {
      next: async () => {
        this.release();
        const descriptor = await this.#next(values);
        if (descriptor === undefined) return { done: true, value: undefined };
        this.#lent.push(descriptor);
        return { done: false, value: await descriptor.takeValue() };
      },
      return: () => {
        this.release();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  descriptors(): AsyncIterable<Descriptor<T>> {
    return {
      [Symbol.asyncIterator]: () => {
        const values = this.#port[Symbol.asyncIterator]();
        return {
          next: async () => {
            const value = await this.#next(values);
            return value === undefined ? { done: true, value } : { done: false, value };
          },
        };
      },
    };
  }

  /** The reader is done with the values that it has. */
  release(): void {
    for (const descriptor of this.#lent.splice(0)) descriptor.dispose();
    this.#port.release();
  }

  /** Stops reading. What has arrived and was not read is given back. */
  close(error: MillraceError): void {
    this.#port.close(error);
  }

  /** Nothing more will arrive: reads reject with `error` when all that has arrived was read. */
  fail(error: MillraceError): void {
    this.#port.fail(error);
  }

  async #next(values: AsyncIterator<MovingValue, undefined>): Promise<Descriptor<T> | undefined> {
    const { value } = await values.next();
    return value === undefined ? undefined : this.#take(value);
  }

  #arrive(value: MovingValue, writer: UntypedRef): void {
    const { exchange, codable } = this.#options;
    try {
      this.#arrived.set(value, { descriptor: descriptorOf(exchange, value, writer, codable) });
    } catch (error) {
      this.#arrived.set(value, { error: errorOf(error) });
    }
  }

  #take(value: MovingValue): Descriptor<T> {
    const arrived = this.#arrived.get(value) ?? { error: new StoppedError(`Port "${this.#options.port}" is closed.`) };
    if ('error' in arrived) throw arrived.error;
    return arrived.descriptor;
  }

  #discard(value: MovingValue): void {
    const arrived = this.#arrived.get(value);
    if (arrived !== undefined && 'descriptor' in arrived) arrived.descriptor.dispose();
  }
}
