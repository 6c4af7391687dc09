import { ConfigError } from '../errors.js';
import { shownValue } from '../foreign.js';
import { loadPart } from '../installation.js';
import type { Scheduler } from '../scheduler/index.js';
import type { ClusterStore } from './cluster-store.js';
import { parseStoreAddress, STORE_ADDRESSES } from './store-address.js';

/**
 * Opens the store at an address. Rejects with ConfigError for another text, for a file that is no store, and where the packages of NATS are
 * missing. A server of NATS that cannot be reached is met by the calls.
 *
 *     const store = await openClusterStore('nats://nats-1:4222,nats-2:4222,nats-3:4222/shop', scheduler);
 */
export async function openClusterStore(text: string, scheduler: Scheduler): Promise<ClusterStore> {
  const address = parseStoreAddress(text);
  if (address === undefined)
    throw new ConfigError(`${shownValue(text)} is no cluster store. It accepts ${STORE_ADDRESSES}.`);
  if (scheduler.isVirtual) {
    throw new ConfigError(`The cluster store ${shownValue(text)} needs real time. On virtual time, use a MemoryStore.`);
  }
  if (address.kind === 'embedded') {
    const { EmbeddedStore } = await loadPart(import('./embedded/embedded-store.js'));
    return EmbeddedStore.open(address.path, scheduler);
  }
  const { NatsStore } = await loadPart(import('./nats/nats-store.js'));
  return NatsStore.open(address, scheduler);
}
