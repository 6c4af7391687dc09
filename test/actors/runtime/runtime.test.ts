import { expect } from 'chai';
import { ConfigError, MillraceError, PipelineError, StoppedError, UnreachableError } from '#src/errors.js';
import { v1 } from '#src/protocol/index.js';
import { behavior } from '#src/actors/kernel/index.js';
import { errandRunner, Errands } from './errand-runner.js';
import type { Runtime } from '#src/actors/runtime/index.js';
import { gate } from '../../support/deferred.js';
import { sorted, upTo } from '../../support/numbers.js';
import { rejection } from '../../support/rejection.js';
import { type Cluster, describeRuntime, startFlow, TWO_PARTITIONS, until } from './harness.js';
import flow from './pipelines/flow.js';
import restarting from './pipelines/flow-restart.js';

const echo = behavior(v1.PartitionRuntime, { describe: () => ({ ordinal: 42 }) });

describeRuntime({ title: 'a runtime', linked: true }, (start) => {
  it('is up when start resolves, and its actors are found by name from any process', async () => {
    const { runtime, control, cluster } = await start(TWO_PARTITIONS);
    expect(runtime.isConnected).to.equal(true);
    expect(runtime.ordinals).to.have.length(2);
    const other = await cluster.start();
    await runtime.register('echo', runtime.spawn(echo, { name: 'echo' }));
    for (const asker of [runtime, control, other]) {
      const found = await asker.lookup(v1.PartitionRuntime, 'echo');
      expect(await found.describe({})).to.include({ ordinal: 42 });
    }
  });

  it('waits for a name until the deadline', async () => {
    const { runtime, cluster } = await start();
    const { scheduler } = cluster.executor;
    const before = scheduler.now();
    const timeoutMs = cluster.many(2_500, 250);
    const error = await rejection(runtime.lookup(v1.PartitionRuntime, 'nobody', { timeoutMs }));
    expect(error).to.include({ code: 'ASK_TIMEOUT' });
    cluster.expectPassed(scheduler.now() - before, timeoutMs, timeoutMs + 20);
    const late = runtime.lookup(v1.PartitionRuntime, 'late');
    await cluster.pass(100);
    await runtime.register('late', runtime.spawn(echo));
    expect(await (await late).describe({})).to.include({ ordinal: 42 });
  });

  it('refuses a name that another actor has, and gives it when that is unregistered', async () => {
    const { runtime } = await start();
    const one = runtime.spawn(echo);
    const other = runtime.spawn(echo);
    await runtime.register('echo', one);
    expect(String(await rejection(runtime.register('echo', other)))).to.include('"echo" is taken');
    await runtime.unregister('echo', one);
    await runtime.register('echo', other);
  });

  it('needs a name to register an actor as it is spawned', async () => {
    const { runtime } = await start();
    expect(() => runtime.spawn(echo, { register: true })).to.throw(ConfigError, 'needs a name to be registered');
  });

  it('is stopped once, however often it is asked to, and leaves nothing', async () => {
    const { runtime, control, cluster } = await start();
    const other = await cluster.start(TWO_PARTITIONS);
    await Promise.all([other.stop(), other.stop()]);
    expect(other.leftovers).to.deep.equal({
      actors: 0,
      pendingAsks: 0,
      openStreams: 0,
      links: 0,
      linkAsks: 0,
      mailboxBytes: 0,
    });
    expect(other.isConnected).to.equal(false);
    expect(String(await rejection(other.lookup(v1.PartitionRuntime, 'x')))).to.include('has left the control plane');
    await runtime.lookup(v1.Runtime, `millrace/runtime/${control.pUid}`);
  });

  it('gives its place to another when it has stopped, and only then', async () => {
    const { cluster } = await start();
    const place = { node: 'node-x', name: 'process-x' };
    const first = await cluster.start({ ...place, system: { partitions: 2 } });
    expect(await rejection(cluster.start(place))).to.be.instanceOf(ConfigError);
    await first.stop();
    expect(cluster.executor.runtimes).not.to.include(first);
    const second = await cluster.start(place);
    expect(second.pUid).not.to.equal(first.pUid);
  });

  it('fails a pipeline when a process of it stops in good order: what it read is missing', async () => {
    const { runtime, cluster } = await start({ streamWindow: { items: 8 } });
    for (const segment of segmentsOf(cluster)) {
      const other = await cluster.start(TWO_PARTITIONS);
      const { run, board } = await startFlow(
        runtime,
        flow,
        { count: 1_000 },
        {
          partitions: placing(segment, runtime, other),
          board: (on) => {
            on.stage = () => cluster.pass(1);
          },
        },
      );
      await until(() => board.sunk.length > 10);
      await other.stop();
      const error = await rejection(run.done);
      expect(error, segment).to.be.instanceOf(PipelineError);
      expect(String(error)).to.match(/partition is stopping|was lost|ended, or cannot be reached/);
    }
  });

  it('starts a pipeline anew when a process of it stops or crashes, if it says so', async () => {
    const { runtime, cluster } = await start({ streamWindow: { items: 8 } });
    const count = cluster.many(300, 60);
    for (const end of ['stop', 'crash']) {
      for (const segment of segmentsOf(cluster)) {
        const other = await cluster.start(TWO_PARTITIONS);
        const far = placing(segment, runtime, other);
        const { run, board } = await startFlow(
          runtime,
          restarting,
          { count },
          {
            // It may run in either, so that there is a place left.
            partitions: { ...far, [segment]: [...other.ordinals, ...runtime.ordinals] },
            board: (on) => {
              on.stage = () => cluster.pass(1);
            },
          },
        );
        await until(() => board.sunk.length > 10);
        if (end === 'stop') await other.stop();
        else cluster.executor.crash(other.node);
        await run.done;
        expect(sorted(board.sunk.map(({ id }) => id)), `${end} ${segment}`).to.deep.equal(upTo(count));
      }
    }
  });

  it('fails a pipeline with what was lost when a process of it crashes', async () => {
    const { runtime, cluster } = await start({ streamWindow: { items: 8 } });
    for (const segment of segmentsOf(cluster)) {
      const other = await cluster.start(TWO_PARTITIONS);
      const { run, board } = await startFlow(
        runtime,
        flow,
        { count: 1_000 },
        {
          partitions: placing(segment, runtime, other),
          board: (on) => {
            on.stage = () => cluster.pass(1);
          },
        },
      );
      await until(() => board.sunk.length > 10);
      cluster.executor.crash(other.node);
      const error = await rejection(run.done);
      expect(error, segment).to.be.instanceOf(PipelineError);
      expect(String(error)).to.match(/segment "\w+".*partition \d+/);
      await until(() => board.aborted.length > 0);
    }
  });

  it('ends its runs with StoppedError when it stops', async () => {
    const { runtime, cluster } = await start(TWO_PARTITIONS);
    const never = gate();
    const { run } = await startFlow(
      runtime,
      flow,
      { count: 10 },
      {
        board: (on) => {
          on.sink = (_row, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve));
        },
      },
    );
    await cluster.pass(50);
    await runtime.stop();
    expect(await rejection(run.done)).to.be.instanceOf(StoppedError);
    never.open();
  });

  it('ends its runs when it crashes', async () => {
    const { runtime, cluster } = await start(TWO_PARTITIONS);
    const { run, board } = await startFlow(
      runtime,
      flow,
      { count: 10 },
      {
        board: (on) => {
          on.sink = (_row, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve));
        },
      },
    );
    await until(() => board.sunk.length === 1);
    cluster.executor.crash(runtime.node);
    expect(await rejection(run.done)).to.be.instanceOf(MillraceError);
    await until(() => board.aborted.length > 0);
  });
});

const UNREACHABLE = {
  title: 'a runtime whose control plane cannot be reached',
  virtualOnly: 'it is given ten seconds',
};
const CUT_OFF = { title: 'a process that is cut off', virtualOnly: 'nothing but the pseudo-network can be cut' };

const OPENING = {
  title: 'a process that stops while it opens a link',
  virtualOnly: 'a link must not open before the stop',
};

describeRuntime(OPENING, (start) => {
  it('delivers the tells that wait for the link, and has cut off nothing', async () => {
    const { cluster } = await start();
    const [sender, receiver] = [await cluster.start(), await cluster.start()];
    const handled: number[] = [];
    const push = (_state: undefined, { value }: { value: number }): void => void handled.push(value);
    await receiver.register('till', receiver.spawn(errandRunner({ push })));
    const ref = await sender.lookup(Errands, 'till');
    for (const value of [1, 2, 3]) ref.push({ value });
    const { isDrained, untakenTells } = await sender.stop();
    expect({ isDrained, untakenTells, handled }).to.deep.equal({
      isDrained: true,
      untakenTells: 0,
      handled: [1, 2, 3],
    });
    expect(sender.deadLetters.count).to.equal(0);
  });
});

describeRuntime(UNREACHABLE, (start) => {
  it('fails to start, and leaves nothing', async () => {
    const { cluster } = await start();
    const place = { node: 'node-x', name: 'process-x', controlPlane: 'memory://nowhere/process/0' };
    expect(await rejection(cluster.start(place))).to.be.instanceOf(UnreachableError);
    const { controlPlane: _unused, ...again } = place;
    await cluster.start(again);
  });
});

describeRuntime(CUT_OFF, (start) => {
  it('is retired in the other view, and rejoins with its actors when the cut has healed', async () => {
    const { control, cluster } = await start();
    const other = await cluster.start();
    const lost: unknown[] = [];
    other.onLost((error) => lost.push(error));
    await other.register('far', other.spawn(echo));
    const { pUid, ordinals } = other;
    const { run, board } = await startFlow(
      control,
      flow,
      { count: 0 },
      {
        partitions: placing('source', control, other),
        board: (on) => {
          on.source = (_output, { signal }) =>
            new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
        },
      },
    );
    await until(() => board.starts === 1);
    cluster.executor.network.partition(
      [other.node],
      cluster.started.filter((each) => each !== other).map(({ node }) => node),
    );
    const error = await rejection(run.done);
    expect(error).to.be.instanceOf(PipelineError);
    expect(String(error)).to.include('segment "source" in partition').and.include('cannot be reached');
    await until(() => !other.isConnected);
    expect(other.health().isAlive).to.equal(true);
    expect(await rejection(control.lookup(v1.PartitionRuntime, 'far', { timeoutMs: 100 }))).to.include({
      code: 'ASK_TIMEOUT',
    });
    expect(await rejection(other.lookup(v1.PartitionRuntime, 'far', { timeoutMs: 100 }))).to.be.instanceOf(
      UnreachableError,
    );
    const found = other.lookup(v1.PartitionRuntime, 'far', { timeoutMs: 60_000 });
    cluster.executor.network.heal();
    expect(await (await found).describe({})).to.include({ ordinal: 42 });
    expect({ pUid: other.pUid, ordinals: other.ordinals }).to.deep.equal({ pUid, ordinals });
    expect(await (await control.lookup(v1.PartitionRuntime, 'far')).describe({})).to.include({ ordinal: 42 });
    await until(() => board.aborted.length > 0);
    await until(() => other.isConnected);
    expect(other.health().problems).to.deep.equal([]);
    expect(lost).to.deep.equal([]);
    const manager = await control.lookup(v1.PipelinesManager, `millrace/pipelines-manager/${control.pUid}`);
    const { pipelines } = await manager.describe({});
    expect(pipelines.every(({ actual }) => actual === v1.LifeCycle.DESTROYED)).to.equal(true);
  });

  it('stops without dead letters: the messages that are lost are those of the runtime itself', async () => {
    const { cluster } = await start();
    const other = await cluster.start();
    const node = other.spawn(echo);
    await other.register('far', node);
    cluster.executor.network.partition(
      [other.node],
      cluster.started.filter((each) => each !== other).map(({ node: name }) => name),
    );
    const { isDrained, untakenTells } = await other.stop();
    expect({ isDrained, untakenTells, letters: other.deadLetters.count }).to.deep.equal({
      isDrained: true,
      untakenTells: 0,
      letters: 0,
    });
  });

  it('goes on where it was when the cut heals before the link is dead', async () => {
    const { control, cluster } = await start();
    const other = await cluster.start();
    const { run, board } = await startFlow(
      control,
      flow,
      { count: 300 },
      {
        partitions: placing('stage', control, other),
        board: (on) => {
          on.stage = () => cluster.pass(1);
        },
      },
    );
    await cluster.pass(100);
    cluster.executor.network.partition([other.node], [control.node]);
    await cluster.pass(5_000);
    cluster.executor.network.heal();
    await run.done;
    expect(board.sunk.map(({ id }) => id)).to.deep.equal(upTo(300));
  });
});

/** Those that are in a process which ends: each on virtual time, and one in real time, where a process takes a while to start. */
function segmentsOf({ isVirtual }: Cluster): readonly string[] {
  return isVirtual ? ['source', 'stage', 'sink'] : ['stage'];
}

/** One segment in the one process, the others in the other. */
function placing(segment: string, here: Runtime, there: Runtime): Record<string, readonly number[]> {
  return Object.fromEntries(
    ['source', 'stage', 'sink'].map((name) => [name, name === segment ? there.ordinals : here.ordinals]),
  );
}
