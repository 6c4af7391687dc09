import { expect } from 'chai';
import { type ClusterStore, leaseIn, MemoryStore, MemoryStoreContent } from '#src/cluster-store/index.js';
import { VirtualScheduler } from '#src/scheduler/index.js';
import { rejection } from '../support/rejection.js';
import { someTurns } from '../support/until.js';
import { bytes } from './compliance.js';

const TTL_MS = 1_000;

describe('the end of a lease, and of a wait for one', () => {
  let scheduler: VirtualScheduler;
  let content: MemoryStoreContent;
  beforeEach(() => {
    scheduler = new VirtualScheduler({ seed: 3 });
    content = new MemoryStoreContent();
  });
  afterEach(() => scheduler.close());

  const open = (): MemoryStore => new MemoryStore(content, scheduler);
  const pass = (ms: number): Promise<void> => new Promise((resolve) => void scheduler.setTimer(ms, resolve));

  const ends: readonly (readonly [string, (store: ClusterStore, aborting: AbortController) => unknown])[] = [
    ['is aborted', (_store, aborting) => aborting.abort()],
    ['ends because its store is closed', (store) => store.close()],
    ['ends because its store is abandoned', (store) => store.abandon()],
  ];
  for (const afterMs of [0, 150, 2 * TTL_MS]) {
    for (const [how, end] of ends) {
      it(`leaves no timer and writes nothing when the wait ${how} after ${afterMs} ms`, async () => {
        const [holder, candidate, aborting] = [open(), open(), new AbortController()];
        const lease = await holder.lease('k', bytes('holder'), { ttlMs: TTL_MS });
        const wait = rejection(candidate.lease('k', bytes('candidate'), { ttlMs: TTL_MS, signal: aborting.signal }));
        if (afterMs > 0) await pass(afterMs);
        await end(candidate, aborting);
        await wait;
        await holder.close();
        expect(await lease.ended).to.equal('released');
        const { revision } = content.get('k') ?? {};
        await someTurns();
        expect(scheduler.pendingTimers).to.equal(0);
        await pass(5 * TTL_MS);
        expect(content.get('k')?.revision).to.equal(revision);
        expect(leaseIn(content.get('k'), 'k')).to.deep.include({ holder: bytes('holder'), isTaken: false });
      });
    }
  }

  it('leaves no timer when the store is damaged while a candidate waits', async () => {
    const [holder, candidate] = [open(), open()];
    const lease = await holder.lease('k', bytes('holder'), { ttlMs: TTL_MS });
    const wait = rejection(candidate.lease('k', bytes('candidate'), { ttlMs: TTL_MS }));
    await pass(10);
    content.compareAndSet('k', bytes('damaged'), content.get('k')?.revision);
    expect(await wait).to.be.instanceOf(Error);
    await lease.ended;
    await someTurns();
    expect(scheduler.pendingTimers).to.equal(0);
  });

  it('never rejects, whatever has become of the store', async () => {
    const [damaged, closed] = [open(), open()];
    const lease = await damaged.lease('k', bytes('holder'), { ttlMs: TTL_MS });
    content.compareAndSet('k', bytes('damaged'), content.get('k')?.revision);
    expect(await lease.release(), 'it says that others have to wait').to.equal(false);
    expect(await lease.ended).to.equal('released');
    await damaged.close();
    const other = await closed.lease('other', bytes('holder'), { ttlMs: TTL_MS });
    closed.abandon();
    await other.release();
    expect(other.isHeld).to.equal(false);
  });
});
