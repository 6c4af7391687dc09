/**
 * Between the kernel and the links: the router from envelopes to mailboxes, routes to actors of other partitions, death watch and
 * mailbox pressure across links, and the actor that describes and closes the links of a partition. The runtime creates one router per
 * partition. Nothing here may know of pipelines or registered names.
 */
export type { MessageFields, PeerLife, ReceivedFields, StoredFields } from './message-fields.js';
export { Kinship, newProcessKey } from './kinship.js';
export type { Locate } from './peer-addresses.js';
export { Router, type RouterOptions } from './router.js';
export { addTraffic, NO_TRAFFIC, type Traffic } from './traffic.js';
export { transportActor } from './transport-actor.js';
