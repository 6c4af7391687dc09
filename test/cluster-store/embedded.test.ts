import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileLock } from '#src/cluster-store/embedded/file-lock.js';
import { openClusterStore } from '#src/cluster-store/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { describeStore } from './compliance.js';

describe('EmbeddedStore', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-store-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  describeStore('as every ClusterStore', {
    open: (scheduler) => openClusterStore(`embedded:${join(folder, 'store')}`, scheduler),
    cut: async () => {
      const scheduler = new RealScheduler();
      const lock = await FileLock.take(join(folder, 'store.lock'), scheduler, scheduler.now() + 5_000);
      return once(() => lock.release());
    },
  });
});

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}
