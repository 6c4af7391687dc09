import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { FileLock } from '#src/cluster-store/embedded/file-lock.js';
import { type ClusterStore, MemoryStore, MemoryStoreContent, openClusterStore } from '#src/cluster-store/index.js';
import { StoppedError, UnreachableError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { RealScheduler, type Timer, VirtualScheduler } from '#src/scheduler/index.js';
import { rejection } from '../support/rejection.js';
import { eventually } from '../support/until.js';
import { bytes, text } from './compliance.js';

describe('a write to an embedded store that was not done in time', () => {
  let folder: string;
  let lock: FileLock;
  let store: ClusterStore;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-store-'));
    const scheduler = new RealScheduler();
    store = await openClusterStore(`embedded:${join(folder, 'store')}`, scheduler);
    lock = await FileLock.take(join(folder, 'store.lock'), scheduler, scheduler.now() + 5_000);
  });
  afterEach(async () => {
    await lock.release().catch(() => {});
    await store.close();
    rmSync(folder, { recursive: true });
  });

  it('does not happen later, although one before it has had the lock meanwhile', async () => {
    const first = store.compareAndSet('first', bytes('1'), undefined);
    const late = store.compareAndSet('late', bytes('2'), undefined, { timeoutMs: 50 });
    expect(await rejection(late)).to.be.instanceOf(UnreachableError);
    await lock.release();
    expect((await first).isSet).to.equal(true);
    // It is written after the one that is late would have been.
    await store.compareAndSet('next', bytes('3'), undefined);
    expect(await store.get('late')).to.equal(undefined);
    expect(text(await store.get('next'))).to.equal('3');
  });

  it('does not happen after the end of its store, which does not wait for the lock', async () => {
    const writes = ['a', 'b', 'c'].map((key) => rejection(store.compareAndSet(key, bytes('x'), undefined)));
    const began = performance.now();
    await store.close();
    expect(performance.now() - began).to.be.below(0.9 * limits.storeTimeoutMs);
    for (const write of writes) expect(await write).to.be.instanceOf(StoppedError);
    await lock.release();
    const again = await openClusterStore(`embedded:${join(folder, 'store')}`, new RealScheduler());
    for (const key of ['a', 'b', 'c']) expect(await again.get(key)).to.equal(undefined);
    await again.close();
  });
});

describe('the end of a store', () => {
  it('waits no longer than storeTimeoutMs for what never ends, and ignores what fails', async () => {
    const scheduler = new VirtualScheduler({ seed: 1 });
    for (const end of [() => new Promise<never>(() => {}), () => Promise.reject(new Error('the socket is gone'))]) {
      class Stuck extends MemoryStore {
        protected override end(): Promise<void> {
          return end();
        }
      }
      const began = scheduler.now();
      await new Stuck(new MemoryStoreContent(), scheduler).close();
      expect(scheduler.now() - began).to.be.at.most(limits.storeTimeoutMs);
      new Stuck(new MemoryStoreContent(), scheduler).abandon();
    }
    scheduler.close();
  });

  it('ends what tells a watch of changes, although nobody reads on', async () => {
    const scheduler = new VirtualScheduler({ seed: 1 });
    let isListening = true;
    class Listening extends MemoryStore {
      protected override listen(_key: string, _changed: () => void, signal: AbortSignal): void {
        signal.addEventListener('abort', () => (isListening = false));
      }
    }
    const store = new Listening(new MemoryStoreContent(), scheduler);
    const watch = store.watch('a', { signal: new AbortController().signal })[Symbol.asyncIterator]();
    await watch.next();
    await store.close();
    expect(isListening).to.equal(false);
    scheduler.close();
  });

  it('leaves no timer of a server that cannot be reached', async () => {
    const scheduler = new CountingScheduler();
    const store = await openClusterStore('nats://127.0.0.1:9/nobody', scheduler);
    const get = rejection(store.get('a'));
    const watch = store.watch('a', { signal: new AbortController().signal })[Symbol.asyncIterator]();
    const shown = watch.next();
    await eventually(() => scheduler.pending > 2);
    await store.close();
    expect(await get).to.be.instanceOf(StoppedError);
    expect(await shown).to.deep.equal({ done: true, value: undefined });
    const began = performance.now();
    await eventually(() => scheduler.pending === 0);
    expect(performance.now() - began).to.be.below(limits.storeTimeoutMs / 2);
  });
});

/** Counts the timers that are set. */
class CountingScheduler extends RealScheduler {
  readonly #timers = new Set<Timer>();

  get pending(): number {
    return this.#timers.size;
  }

  override setTimer(delayMs: number, callback: () => void): Timer {
    const timer = super.setTimer(delayMs, () => {
      this.#timers.delete(timer);
      callback();
    });
    this.#timers.add(timer);
    return timer;
  }

  override clearTimer(timer: Timer): void {
    this.#timers.delete(timer);
    super.clearTimer(timer);
  }
}
