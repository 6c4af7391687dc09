import type { Codable } from '../../descriptors/index.js';
import { StoppedError } from '../../errors.js';
import { limits } from '../../limits.js';
import { v1 } from '../../protocol/index.js';
import { pause } from '../../scheduler/index.js';
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

/** Time in ms after which a name is looked up again whose publisher has ended. */
const AGAIN_MS = 20;

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
    const { system, values: exchange } = partition;
    const { scheduler } = runtime;
    const untilMs = scheduler.now() + timeoutMs;
    for (;;) {
      assertRuns('A subscriber');
      const remainingMs = Math.max(1, untilMs - scheduler.now());
      const publisher = await runtime.lookup(v1.ValuePublisher, name, { timeoutMs: remainingMs });
      const subscriber = new ValueSubscriber({ name, codable, options, system, exchange, scheduler });
      try {
        return await subscriber.connect(publisher, Math.max(1, untilMs - scheduler.now()));
      } catch (error) {
        // It has ended, and its name is about to be free for the next one.
        if (!(error instanceof StoppedError) || scheduler.now() + AGAIN_MS >= untilMs) throw error;
      }
      await pause(scheduler, AGAIN_MS);
    }
  };
}
