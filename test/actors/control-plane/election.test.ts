import { expect } from 'chai';
import { Election, LEADER_KEY, type Leader } from '#src/actors/control-plane/index.js';
import { type ClusterStore, MemoryStore, MemoryStoreContent } from '#src/cluster-store/index.js';
import { memoryLogger } from '#src/logging/index.js';
import { VirtualScheduler } from '#src/scheduler/index.js';
import { bytes } from '../../cluster-store/compliance.js';
import { someTurns, until } from '../../support/until.js';

const LEASE_MS = 1_000;

describe('the election of the process that serves the control plane', () => {
  let scheduler: VirtualScheduler;
  let content: MemoryStoreContent;
  const elections: Election[] = [];
  beforeEach(() => {
    scheduler = new VirtualScheduler({ seed: 5 });
    content = new MemoryStoreContent();
  });
  afterEach(async () => {
    await Promise.all(elections.splice(0).map((election) => election.close()));
    scheduler.close();
  });

  const open = (): MemoryStore => new MemoryStore(content, scheduler);
  const elect = (store: ClusterStore): Election => {
    const election = new Election({ store, scheduler, log: memoryLogger(), leaseMs: LEASE_MS });
    elections.push(election);
    return election;
  };

  it('goes to another candidate when the one that won cannot serve', async () => {
    const deposed: string[] = [];
    let tries = 0;
    elect(open()).start({
      address: 'memory:faulty',
      elected: () => {
        tries += 1;
        throw new Error('cannot serve');
      },
      deposed: (why) => Promise.resolve(void deposed.push(why)),
    });
    await until(() => tries === 1);
    let served = false;
    elect(open()).start({
      address: 'memory:sound',
      elected: () => {
        served = true;
      },
      deposed: () => Promise.resolve(),
    });
    await until(() => served);
    expect(deposed).to.include('released');
  });

  it('ends for a follower and for a leader when its store is closed, and leaves the event loop free', async () => {
    const [leading, following] = [open(), open()];
    let isServing = false;
    elect(leading).start({
      address: 'memory:leader',
      elected: () => {
        isServing = true;
      },
      deposed: () => {
        isServing = false;
        return Promise.resolve();
      },
    });
    const follower = elect(following);
    follower.start();
    await until(() => isServing && follower.leader !== undefined);
    await following.close();
    await leading.close();
    await someTurns();
    expect(isServing).to.equal(false);
    expect(scheduler.pendingTimers).to.equal(0);
  });

  it('ignores an older leader, also after the store has named nobody', async () => {
    const election = elect(open());
    const leaders: (Leader | undefined)[] = [];
    election.onLeader((leader) => void leaders.push(leader));
    election.start();
    const five = { epoch: 5n, address: 'memory:five' };
    const six = { epoch: 6n, address: 'memory:six' };
    for (const [epoch, holder, isTaken] of [
      [5, 'memory:five', true],
      [4, 'memory:four', false],
      [5, 'memory:five', false],
      [4, 'memory:four', true],
      [6, 'memory:six', true],
    ] as const) {
      content.compareAndSet(LEADER_KEY, record(epoch, holder, isTaken), content.get(LEADER_KEY)?.revision);
      await someTurns();
    }
    expect(leaders).to.deep.equal([five, undefined, six]);
  });
});

/** What the store holds while `holder` has the lease, or has given it up. */
function record(epoch: number, holder: string, isTaken: boolean): Uint8Array {
  const text = Buffer.from(holder).toString('base64');
  return bytes(
    JSON.stringify({ lease: 1, epoch: String(epoch), holder: text, ttlMs: 5_000, isTaken, token: 't', owner: '' }),
  );
}
