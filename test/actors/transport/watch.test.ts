import { expect } from 'chai';
import { type ActorRef, behavior } from '#src/actors/kernel/index.js';
import { limits } from '#src/limits.js';
import { until } from '../../support/until.js';
import { Chores, Errands } from './errands.js';
import { endWorlds, errands, type Partition, PartitionWorld } from './partitions.js';

/** An actor that watches others, each told through a push. */
function watcher(partition: Partition, refs: readonly ActorRef<typeof Errands>[]) {
  const gone: string[] = [];
  const causes: (Error | undefined)[] = [];
  const ref = partition.system.spawn(
    behavior<typeof Chores>(Chores, {
      push: (_state, { value }, context) => {
        const watched = refs[value];
        if (watched !== undefined) context.unwatch(watched);
      },
      on: {
        started: (_state, context) => {
          for (const watched of refs) context.watch(watched);
        },
        terminated: (_state, { reason, cause }) => {
          gone.push(reason);
          causes.push(cause);
        },
      },
    }),
  );
  return { ref, gone, causes };
}

describe('death watch over a link', () => {
  afterEach(endWorlds);

  it('tells of an actor that stopped, once each, whoever else watches', async () => {
    const world = new PartitionWorld({ latencyMs: 1 });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const worker = far.system.spawn(errands());
    // A reference of its own for each watcher, as it is when references come in messages.
    const one = watcher(near, [world.reach(near, Errands, worker)]);
    const other = watcher(near, [world.reach(near, Errands, worker), world.reach(near, Errands, worker)]);
    await world.pass(20);
    await far.system.stop(worker);
    await until('all to be told', () => one.gone.length + other.gone.length === 3);
    await world.pass(2_000);
    expect(one.gone).to.deep.equal(['stopped']);
    expect(other.gone).to.deep.equal(['stopped', 'stopped']);
  });

  it('goes on over the link that the peer has opened, where the own attempt to open one fails behind that', async () => {
    const world = new PartitionWorld({ latencyMs: 1 });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const worker = far.system.spawn(errands());
    const ref = world.reach(near, Errands, worker);
    world.network.override('a', 'b', { latencyMs: 60_000 });
    const { ref: boss, gone } = watcher(near, [ref]);
    await world.pass(10);
    world.network.override('a', 'b', { latencyMs: 1 });
    await world.reach(far, Errands, near.system.spawn(errands())).run({});
    await world.pass(limits.connectTimeoutMs);
    expect(gone).to.deep.equal([]);
    // What follows goes over that link, too: no other one is opened.
    await ref.run({});
    expect([...near.router.channels()].length).to.equal(1);
    boss.push({ value: 0 });
    await far.system.stop(worker);
    await world.pass(100);
    expect(gone).to.deep.equal([]);
    const again = far.system.spawn(errands());
    const other = watcher(near, [world.reach(near, Errands, again)]);
    await far.system.stop(again);
    await until('it to be told', () => other.gone.length > 0);
    expect(other.gone).to.deep.equal(['stopped']);
  });

  for (const isReal of [false, true]) {
    it(`tells of the end after all that the actor had told before, in ${isReal ? 'real' : 'virtual'} time`, async () => {
      const world = new PartitionWorld({ isReal, latencyMs: 1 });
      const [near, far] = [await world.start('a/1'), await world.start('b/1')];
      for (let round = 0; round < 10; round++) {
        const lines: string[] = [];
        const boss = near.system.spawn(
          errands({
            run: (_state, request, ctx) => {
              ctx.watch(worker);
              return request;
            },
            push: (_state, { value }) => void lines.push(String(value)),
            on: { terminated: (_state, { reason }) => void lines.push(reason) },
          }),
        );
        const known = world.reach(far, Errands, boss);
        const there = far.system.spawn(
          errands({
            push: (_state, _request, ctx) => {
              for (let value = 0; value < 5; value++) known.push({ value, load: new Uint8Array(round * 1_000) });
              ctx.stop();
            },
          }),
        );
        const worker: ActorRef<typeof Errands> = world.reach(near, Errands, there);
        await boss.run({});
        worker.push({});
        await until('it to be told', () => lines.includes('stopped'));
        expect(lines).to.deep.equal(['0', '1', '2', '3', '4', 'stopped']);
      }
    });
  }

  it('tells of an actor that failed, and of its error, also where frames are lost', async () => {
    const world = new PartitionWorld({ loss: 0.3 });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const fragile = errands({
      supervision: 'stop',
      push: () => {
        throw Object.assign(new RangeError('broken'), { code: 'E_BROKEN' });
      },
    });
    const worker = far.system.spawn(fragile);
    const { gone, causes } = watcher(near, [world.reach(near, Errands, worker)]);
    await world.pass(2_000);
    worker.push({});
    await until('it to be told', () => gone.length === 1);
    expect(gone).to.deep.equal(['failed']);
    expect(causes[0]).to.include({ handlerName: 'RangeError', message: 'broken', handlerCode: 'E_BROKEN' });
  });

  it('tells of a failure before the watch, too, whichever reference is watched, as long as it is remembered', async () => {
    const world = new PartitionWorld();
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const fragile = errands({
      supervision: 'stop',
      push: () => {
        throw new RangeError('broken');
      },
    });
    const [named, unnamed, stopped] = [fragile, fragile, errands()].map((behavior) => far.system.spawn(behavior));
    if (named === undefined || unnamed === undefined || stopped === undefined) throw new Error('none was spawned');
    const record = named.toRef();
    const others = far.system.statistics.actors - 3;
    for (const ref of [named, unnamed]) ref.push({});
    await far.system.stop(stopped);
    await until('all to end', () => far.system.statistics.actors === others);
    const refs = [named, unnamed, stopped];
    const remote = watcher(
      near,
      refs.map((ref) => world.reach(near, Errands, ref)),
    );
    const local = watcher(far, [...refs, far.system.reference(Errands, record)]);
    await until('all to be told', () => remote.gone.length === 3 && local.gone.length === 4);
    expect(remote.gone).to.have.members(['failed', 'failed', 'stopped']);
    expect(local.gone).to.have.members(['failed', 'failed', 'stopped', 'failed']);
    const causes = remote.causes.filter((cause) => cause !== undefined);
    expect(causes.map(({ message }) => message)).to.deep.equal(['broken', 'broken']);

    for (let count = 0; count <= limits.endedActors; count += 1) {
      const ref = far.system.spawn(fragile);
      ref.toRef();
      ref.push({});
    }
    await until('all others to end', () => far.system.statistics.actors === others + 1);
    const late = watcher(near, [world.reach(near, Errands, named)]);
    await until('it to be told', () => late.gone.length === 1);
    expect(late.gone).to.deep.equal(['stopped']);
  });

  it('tells at once of one that is gone already', async () => {
    const world = new PartitionWorld();
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const worker = far.system.spawn(errands());
    const ref = world.reach(near, Errands, worker);
    await far.system.stop(worker);
    const { gone } = watcher(near, [ref]);
    await until('it to be told', () => gone.length === 1);
    expect(gone).to.deep.equal(['stopped']);
  });

  it('tells of a crash, a cut, and of a process that was never there', async () => {
    const world = new PartitionWorld();
    const [near, far, third] = [await world.start('a/1'), await world.start('b/1'), await world.start('c/1')];
    const crashed = watcher(near, [world.reach(near, Errands, far.system.spawn(errands()))]);
    const cut = watcher(near, [world.reach(near, Errands, third.system.spawn(errands()))]);
    const nowhere = near.system.referenceTo(Errands, near.router.routeTo('memory://nobody/1', 5n));
    const never = watcher(near, [nowhere]);
    await until('the last to be told', () => never.gone.length === 1);
    world.network.crash('b');
    await until('the crash to be told', () => crashed.gone.length === 1);
    const from = world.scheduler.now();
    world.network.partition(['a'], ['c']);
    await until('the cut to be told', () => cut.gone.length === 1);
    expect(world.scheduler.now() - from).to.equal(3_000);
    expect([crashed.gone, cut.gone, never.gone]).to.deep.equal([['unreachable'], ['unreachable'], ['unreachable']]);
  });

  it('ends with unwatch, and leaves nothing at the watched actor', async () => {
    const world = new PartitionWorld();
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const worker = far.system.spawn(errands());
    const [first, second] = [world.reach(near, Errands, worker), world.reach(near, Errands, worker)];
    const { ref, gone } = watcher(near, [first, second]);
    await first.run({});
    ref.push({ value: 0 });
    await first.run({});
    const served = (): number => [...far.router.channels()].reduce((sum, { watches }) => sum + watches.size, 0);
    expect(served(), 'the second reference still counts').to.equal(1);
    ref.push({ value: 1 });
    await first.run({});
    await first.run({});
    expect(served()).to.equal(0);
    await far.system.stop(worker);
    await world.pass(100);
    expect(gone).to.deep.equal([]);
  });

  it('survives loss and duplicates of every word', async () => {
    for (let seed = 1; seed <= 30; seed += 1) {
      const world = new PartitionWorld({ seed, loss: 0.3, duplicate: 0.2, latencyMs: 1 });
      const [near, far] = [await world.start('a/1'), await world.start('b/1')];
      const workers = [1, 2, 3, 4].map(() => far.system.spawn(errands()));
      const { gone } = watcher(
        near,
        workers.map((worker) => world.reach(near, Errands, worker)),
      );
      await world.pass(seed % 2 === 0 ? 5_000 : 1);
      for (const worker of workers) await far.system.stop(worker);
      await until(`all to be told, seed ${seed}`, () => gone.length === workers.length);
      await until(`all to be quiet, seed ${seed}`, () => world.scheduler.pendingTimers === 0);
      expect(gone, `seed ${seed}`).to.deep.equal(workers.map(() => 'stopped'));
      const left = [near, far].flatMap(({ router }) => [...router.channels()].map(({ watches }) => watches.size));
      expect(left, `seed ${seed}`).to.deep.equal(left.map(() => 0));
    }
  });

  it('leaves nothing of a closed link at the actors that it reached', async () => {
    const world = new PartitionWorld();
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const worker = far.system.spawn(errands());
    const ref = world.reach(near, Errands, worker);
    const { gone } = watcher(near, [ref]);
    await ref.run({});
    near.router.disconnect(far.address);
    await until('both ends to be told', () => gone.length === 1 && [...far.router.channels()].length === 0);
    await far.system.stop(worker);
    expect(gone).to.deep.equal(['unreachable']);
  });
});
