/**
 * Values on their way between partitions: what is sent of them, who holds them, and when they are freed. Whoever has links calls it. It must never
 * send by itself, nor wait for a peer that has ended.
 */
export type { SendControl } from './batch.js';
export { LocalDescriptorHandle } from './local-descriptor-handle.js';
export { checkedPeer, peerId, peerIncarnation } from './peer-id.js';
export { type Fetch, RemoteDescriptor, storedBytes } from './remote-descriptor.js';
export type { ObjectAbout } from './owned-objects.js';
export { RemoteDescriptorManager, type RemoteDescriptorManagerOptions } from './remote-descriptor-manager.js';
