import { expect } from 'chai';
import { Election } from '#src/actors/control-plane/index.js';
import { RUN_KEY, StoreClaim } from '#src/actors/services/index.js';
import { MemoryStore, MemoryStoreContent } from '#src/cluster-store/index.js';
import { ConfigError, UnreachableError } from '#src/errors.js';
import { silentLogger } from '#src/logging/index.js';
import { VirtualScheduler } from '#src/scheduler/index.js';
import { millraceRejection as rejection } from '../../support/rejection.js';
import { SimulatedRun } from './simulated-run.js';

/** Time of the lease of a run, in ms. */
const CLAIM_MS = 10_000;

class CutStore extends MemoryStore {
  isCut = false;

  protected override read(key: string) {
    return this.isCut ? Promise.reject(new UnreachableError('The store is cut off.')) : super.read(key);
  }

  protected override write(key: string, value: Uint8Array, expected: number | undefined) {
    return this.isCut
      ? Promise.reject(new UnreachableError('The store is cut off.'))
      : super.write(key, value, expected);
  }
}

describe('the cluster store of a run', () => {
  let scheduler: VirtualScheduler;
  let content: MemoryStoreContent;
  const open: StoreClaim[] = [];

  beforeEach(() => {
    scheduler = new VirtualScheduler({ seed: 5 });
    content = new MemoryStoreContent();
  });

  afterEach(async () => {
    await Promise.all(open.splice(0).map((claim) => claim.close()));
    expect(scheduler.pendingTimers).to.equal(0);
    scheduler.close();
  });

  function claimOf(run: string) {
    const store = new CutStore(content, scheduler);
    const claim = new StoreClaim({ store, run, scheduler, log: silentLogger });
    open.push(claim);
    return { claim, store };
  }

  const pass = (ms: number): Promise<void> => new Promise((resolve) => void scheduler.setTimer(ms, resolve));

  /** Resolves when it is certain that the claim is held: another run is refused. */
  async function refuses(run: string): Promise<void> {
    const other = claimOf('asks');
    const error = await rejection(other.claim.take());
    expect(error).to.be.instanceOf(ConfigError);
    expect(error.message).to.match(new RegExp(`memory: is that of the run ${run}, which is up: give each run`));
    await other.claim.close();
  }

  it('is refused to another run, which is told whose it is, until the run has ended', async () => {
    const first = claimOf('first');
    await first.claim.take();
    const startedMs = scheduler.now();
    await refuses('first');
    expect(scheduler.now() - startedMs).to.be.lessThan(CLAIM_MS / 2);
    await first.claim.close();
    const second = claimOf('second');
    const closedMs = scheduler.now();
    await second.claim.take();
    expect(scheduler.now() - closedMs).to.be.lessThan(1_000);
    await refuses('second');
  });

  it('is that of one of two runs that start together', async () => {
    const claims = ['one', 'other'].map((run) => claimOf(run).claim.take());
    const taken = await Promise.allSettled(claims);
    expect(taken.map(({ status }) => status)).to.have.members(['fulfilled', 'rejected']);
  });

  it('is that of the next run when the launcher was killed, after the time of its lease', async () => {
    const first = claimOf('first');
    await first.claim.take();
    first.store.abandon();
    const startedMs = scheduler.now();
    await claimOf('second').claim.take();
    expect(scheduler.now() - startedMs).to.be.lessThan(1.1 * CLAIM_MS);
    await refuses('second');
  });

  it('is taken again where it was out of reach, and nobody has taken it meanwhile', async () => {
    const { claim, store } = claimOf('first');
    await claim.take();
    store.isCut = true;
    await pass(3 * CLAIM_MS);
    store.isCut = false;
    await pass(2 * CLAIM_MS);
    await refuses('first');
  });

  it('is lost where another run has taken it while it was out of reach, and that is said', async () => {
    const first = claimOf('first');
    await first.claim.take();
    first.store.isCut = true;
    await claimOf('second').claim.take();
    first.store.isCut = false;
    expect((await first.claim.lost).message).to.match(/is that of the run second/);
    await refuses('second');
  });

  it('that is out of reach is an UnreachableError at once, and a key with something else a ConfigError', async () => {
    const { claim, store } = claimOf('first');
    store.isCut = true;
    expect(await rejection(claim.take())).to.be.instanceOf(UnreachableError);
    content.compareAndSet(RUN_KEY, Buffer.from('something else'), undefined);
    expect(await rejection(claimOf('second').claim.take())).to.be.instanceOf(ConfigError);
  });

  it('whose control plane another cluster has is refused: no global services of the run are elected', async () => {
    const run = new SimulatedRun({ nodes: 2, hasStore: true, content });
    const election = new Election({
      store: new MemoryStore(content, run.scheduler),
      scheduler: run.scheduler,
      log: silentLogger,
      leaseMs: 5_000,
    });
    election.start({ address: 'elsewhere', elected: () => {}, deposed: async () => {} });
    await election.leaderBy(run.scheduler.now() + 10_000);
    const launcher = await run.open();
    const error = await rejection(launcher.up());
    expect(error).to.be.instanceOf(ConfigError);
    expect(error.message).to.match(/another cluster has the control plane of the cluster store/);
    expect(await launcher.down()).to.deep.equal([]);
    await election.close();
    await run.close();
  });
});
