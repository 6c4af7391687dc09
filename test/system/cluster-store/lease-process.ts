/** A process that uses a store: `hold KEY TTL` waits for a lease and says at each message whether it is held; `count KEY` adds one again and again. */
import { openClusterStore } from '#src/cluster-store/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { bytes, text } from '../../cluster-store/compliance.js';

const [address = '', what = '', key = '', ttlMs = ''] = process.argv.slice(2);
const store = await openClusterStore(address, new RealScheduler());
process.on('disconnect', () => process.exit());

if (what === 'hold') {
  const lease = await store.lease(key, bytes(String(process.pid)), { ttlMs: Number(ttlMs) });
  process.on('message', (message) => {
    if (message === 'stop') void store.close().then(() => process.exit());
    else process.send?.({ isHeld: lease.isHeld, epoch: String(lease.epoch) });
  });
  process.send?.({ isHeld: lease.isHeld, epoch: String(lease.epoch) });
} else {
  for (;;) {
    const entry = await store.get(key);
    const next = Number(text(entry) ?? 0) + 1;
    const set = await store.compareAndSet(key, bytes(String(next)), entry?.revision);
    if (set.isSet) process.send?.(next);
  }
}
