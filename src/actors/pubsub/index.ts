/**
 * The one flow mechanism: publishers and subscribers with credit in items and bytes, numbered elements, and ends in band. Ports of
 * pipelines are built on it. Membership comes from outside (a manifold); nothing here knows pipelines.
 */
export { type Policy, POLICIES, checkPolicy } from './policy.js';
export { Publisher, type PublisherOptions } from './publisher.js';
export { Subscriber, type SubscriberOptions } from './subscriber.js';
