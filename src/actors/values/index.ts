/**
 * Values of any size between partitions: the actor through which the descriptor managers of two partitions talk, and publishers and subscribers of
 * values. The runtime creates one exchange for each partition that uses values. Nothing here may know pipelines, or open links itself.
 */
export { DescriptorExchange, type DescriptorExchangeOptions, type ValueStatistics } from './descriptor-exchange.js';
export { type EngineStatistics, Engines } from './engines.js';
export { type BorrowedFields, FieldExchange } from './field-exchange.js';
export { ValueInput, type ValueInputOptions, type Values } from './value-input.js';
export { ValueOutput, type ValueOutputOptions } from './value-output.js';
export type { ValueReadOptions } from './value-window.js';
export {
  type PublisherStatistics,
  ValuePublisher,
  type ValuePublisherOptions,
  type WriteOptions,
} from './value-publisher.js';
export { ValueSubscriber, type ValueSubscriberOptions } from './value-subscriber.js';
