import type { Codable } from '../../descriptors/index.js';
import { limits } from '../../limits.js';
import { v1 } from '../../protocol/index.js';
import {
  ValuePublisher,
  type ValuePublisherOptions,
  ValueSubscriber,
  type ValueSubscriberOptions,
} from '../values/index.js';
import { checkPublisher, checkSubscriber } from './given-arguments.js';
import type { PartitionRuntime } from './partition-runtime.js';
import type { RegisteredNames } from './registered-names.js';
import type { Runtime } from './runtime.js';

/** `runtime.publisher`. */
export type OpenPublisher = <T>(
  name: string,
  codable: Codable<T>,
  options?: ValuePublisherOptions,
) => Promise<ValuePublisher<T>>;

/** `runtime.subscriber`. */
export type OpenSubscriber = <T>(
  name: string,
  codable: Codable<T>,
  options?: ValueSubscriberOptions,
) => Promise<ValueSubscriber<T>>;

/** What the ports of a runtime need of it. */
export interface ValuePortParts {
  readonly partition: PartitionRuntime;
  readonly names: RegisteredNames;
  readonly runtime: Pick<Runtime, 'lookup' | 'scheduler'>;
  /** Throws StoppedError while the runtime stops. */
  readonly assertRuns: (what: string) => void;
}

/** Publishes values under a name of the cluster. Nothing is left when the name is taken. */
export function publisherBy({ partition, names, assertRuns }: ValuePortParts): OpenPublisher {
  return async (name, codable, options = {}) => {
    assertRuns('A publisher');
    checkPublisher(name, codable, options);
    const { system, values: exchange, isLossy } = partition;
    const left = (): Promise<void> => names.left(name);
    const publisher = new ValuePublisher({ name, codable, options, system, exchange, isLossy, left });
    try {
      await names.register(name, publisher.ref);
      return publisher;
    } catch (error) {
      await publisher.close();
      throw error;
    }
  };
}

/** Reads the values of a publisher, anywhere in the cluster. */
export function subscriberBy({ partition, runtime, assertRuns }: ValuePortParts): OpenSubscriber {
  return async (name, codable, options = {}) => {
    assertRuns('A subscriber');
    checkSubscriber(name, codable, options);
    const { timeoutMs = limits.askTimeoutMs } = options;
    const publisher = await runtime.lookup(v1.ValuePublisher, name, { timeoutMs });
    const { system, values: exchange } = partition;
    const { scheduler } = runtime;
    const subscriber = new ValueSubscriber({ name, codable, options, system, exchange, scheduler });
    return subscriber.connect(publisher, timeoutMs);
  };
}
