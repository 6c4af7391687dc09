/**
 * What a cluster keeps outside its processes: a store of a few keys with compare-and-set, leases and watches. The election of the process that
 * serves the control plane uses it. Nothing here knows the control plane, actors or links.
 */
export type {
  ClusterStore,
  LeaseEnd,
  LeaseOptions,
  LeaseView,
  SetResult,
  StoreCall,
  StoreEntry,
  StoreLease,
} from './cluster-store.js';
export { leaseIn } from './lease/lease-record.js';
export { MemoryStore, MemoryStoreContent } from './memory/memory-store.js';
export { openClusterStore } from './open-cluster-store.js';
export { formatStoreAddress, parseStoreAddress, STORE_ADDRESSES } from './store-address.js';
