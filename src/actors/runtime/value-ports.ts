import type { Codable } from '../../descriptors/index.js';
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

/** Publishes values under a name of the cluster. Rejects with ConfigError when the name is taken; nothing is left then. */
export async function openPublisher<T>(
  partition: PartitionRuntime,
  names: RegisteredNames,
  name: string,
  codable: Codable<T>,
  options: ValuePublisherOptions,
): Promise<ValuePublisher<T>> {
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
}

/** Reads the values of a publisher, anywhere in the cluster. Rejects with AskTimeoutError when nobody publishes under the name in time. */
export async function openSubscriber<T>(
  runtime: Pick<Runtime, 'lookup' | 'scheduler'>,
  partition: PartitionRuntime,
  name: string,
  codable: Codable<T>,
  options: ValueSubscriberOptions,
): Promise<ValueSubscriber<T>> {
  checkSubscriber(name, codable, options);
  const { timeoutMs = 5_000 } = options;
  const publisher = await runtime.lookup(v1.ValuePublisher, name, { timeoutMs });
  const { system, values: exchange } = partition;
  const subscriber = new ValueSubscriber({ name, codable, options, system, exchange, scheduler: runtime.scheduler });
  return subscriber.connect(publisher, timeoutMs);
}
