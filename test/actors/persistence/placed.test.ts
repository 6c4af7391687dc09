import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { LevelEngine } from '#src/actors/persistence/level/index.js';
import { ConfigError, PersistenceError } from '#src/errors.js';
import { rejection } from '../../support/rejection.js';
import { describePlacements } from '../runtime/harness.js';
import { eventsOf } from './engines.js';
import { engines, keptSums } from './kept-sums.js';

describePlacements('a placed actor with LevelEngine.lazy', (newCluster) => {
  let folder: string;

  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'millrace-placed-')), 'store');
  });
  afterEach(async () => {
    for (const engine of engines.values()) await engine.close();
    engines.clear();
    rmSync(join(folder, '..'), { recursive: true });
  });

  it('keeps its events in the folder, and recovers from it where it is placed again', async () => {
    const cluster = newCluster();
    const runtime = await cluster.start({ system: { partitions: 2 } });
    const first = await runtime.place(keptSums, { args: { folder } });
    expect((await first.run({ value: 3 })).value).to.equal(3);
    expect((await first.run({ value: 4 })).value).to.equal(7);
    await runtime.stopActor(first);
    const second = await runtime.place(keptSums, { args: { folder } });
    expect((await second.rush({})).value).to.equal(7);
  });
});

describe('LevelEngine.lazy', () => {
  it('opens nothing before it is used, says what is wrong at once or then, and can be used after a close', async () => {
    const folder = join(mkdtempSync(join(tmpdir(), 'millrace-lazy-')), 'store');
    expect(() => LevelEngine.lazy(folder, { snapshots: 0 })).to.throw(ConfigError, 'snapshots');
    const lazy = LevelEngine.lazy(folder);
    await lazy.close();
    const holder = await LevelEngine.open(folder);
    const [event] = eventsOf('key', { index: 0 });
    if (event === undefined) throw new Error('one was made');
    expect(await rejection(lazy.persist(event)))
      .to.be.instanceOf(PersistenceError)
      .with.property('message')
      .that.includes(folder);
    await holder.close();
    await lazy.persist(event);
    expect(await lazy.events('key').reduce((count) => count + 1, 0)).to.equal(1);
    expect(await lazy.latestSnapshot('key')).to.equal(undefined);
    await lazy.close();
    await using again = lazy;
    expect(await again.events('key').reduce((count) => count + 1, 0)).to.equal(1);
    await lazy.close();
    rmSync(join(folder, '..'), { recursive: true });
  });
});
