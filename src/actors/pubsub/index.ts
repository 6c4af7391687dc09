/**
 * Flow control between publishers and subscribers: credit in items and bytes, numbered elements, and an in-band end of stream. The ports
 * of pipelines are built on it. A manifold provides the membership. Nothing here may know pipelines.
 */
export type { Addressing } from './addressing.js';
export type { ElementType, SubscriberService } from './element.js';
export type { Window } from './incoming-stream.js';
export { type Policy, POLICIES, checkPolicy, type WithoutReaders } from './policy.js';
export { Publisher, type PublisherOptions } from './publisher.js';
export { Subscriber, type SubscriberOptions } from './subscriber.js';
