import { expect } from 'chai';
import { PipelineError, StoppedError } from '#src/errors.js';
import { gate } from '../../support/deferred.js';
import { sorted, upTo } from '../../support/numbers.js';
import { rejection } from '../../support/rejection.js';
import { describeRuntime, SHORT_STOP, startFlow, TWO_PARTITIONS, until } from './harness.js';
import flow from './pipelines/flow.js';
import restarting from './pipelines/flow-restart.js';

describeRuntime({ title: 'a pipeline', shares: true }, (start) => {
  it('hands every row on once, in order where there is one instance of each segment', async () => {
    const { runtime, cluster } = await start();
    const count = cluster.many(1_000, 300);
    const { run, board } = await startFlow(runtime, flow, { count });
    await run.done;
    expect(board.sunk.map(({ id }) => id)).to.deep.equal(upTo(count));
    expect(board.sunk[20]).to.deep.equal({ id: 20, key: 'key-3' });
  });

  it('hands every row on once with several instances over several partitions', async () => {
    const { runtime, cluster } = await start(TWO_PARTITIONS);
    await cluster.start();
    const count = cluster.many(1_000, 300);
    const { run, board } = await startFlow(runtime, flow, { count, stages: 4, sinks: 3 });
    await run.done;
    expect(sorted(board.sunk.map(({ id }) => id))).to.deep.equal(upTo(count));
    expect(new Set(board.places.get('stage')).size).to.be.greaterThan(1);
  });

  it('ends at once when its source has nothing to say', async () => {
    const { runtime, cluster } = await start();
    await cluster.start();
    const { run, board } = await startFlow(runtime, flow, { count: 0, stages: 3, sinks: 2 });
    await run.done;
    expect(board.sunk).to.deep.equal([]);
  });

  it('gives a reader what it would have got from far, also from a writer beside it: defaults filled, a copy of its own', async () => {
    const { runtime } = await start();
    const kept = { id: 1 };
    const { run, board } = await startFlow(
      runtime,
      flow,
      { count: 0 },
      {
        board: (on) => {
          on.source = async (output) => {
            await output.write({});
            await output.write(kept);
            kept.id = 99;
          };
        },
      },
    );
    await run.done;
    expect(board.sunk).to.deep.equal([
      { id: 0, key: '' },
      { id: 1, key: '' },
    ]);
  });

  it('divides rows in turn among the instances that read them', async () => {
    const { runtime } = await start();
    const { run, board } = await startFlow(runtime, flow, { count: 30, stages: 3 });
    await run.done;
    expect([...board.staged.values()].map((ids) => ids.length)).to.deep.equal([10, 10, 10]);
  });

  it('gives every instance every row with the policy broadcast', async () => {
    const { runtime, cluster } = await start();
    await cluster.start();
    const { run, board } = await startFlow(runtime, flow, { count: 200, stages: 3, policy: 'broadcast' });
    await run.done;
    expect([...board.staged.values()]).to.deep.equal([upTo(200), upTo(200), upTo(200)]);
    expect(board.sunk).to.have.length(600);
  });

  it('gives all rows of one key to one instance with the policy hash', async () => {
    const { runtime, cluster } = await start();
    await cluster.start();
    const { run, board } = await startFlow(runtime, flow, { count: 200, stages: 4, policy: 'hash' });
    await run.done;
    const owner = new Map<number, number>();
    for (const [instance, ids] of board.staged) {
      for (const id of ids) expect(owner.get(id % 17) ?? instance, `key of row ${id}`).to.equal(instance);
      for (const id of ids) owner.set(id % 17, instance);
    }
    expect(board.staged.size).to.be.greaterThan(1);
    expect(sorted(board.sunk.map(({ id }) => id))).to.deep.equal(upTo(200));
  });

  it('ends well when its reader ends early, whether its writer waits or writes later', async () => {
    const { runtime, cluster } = await start({ streamWindow: { items: 4 } });
    const { run, board } = await startFlow(
      runtime,
      flow,
      { count: 0 },
      {
        board: (on) => {
          on.sinkStopsAfter = 3;
          on.source = async (output) => {
            for (let id = 0; ; id++) {
              await output.write({ id });
              // In the end the reader goes while no write waits.
              if (id === 8) await cluster.pass(cluster.many(5_000, 200));
            }
          };
        },
      },
    );
    await run.done;
    expect(board.sunk).to.have.length(3);
  });

  it('stops on request: done rejects with StoppedError, code sees its signal, and ports are closed to it', async () => {
    const { runtime } = await start();
    const errors: unknown[] = [];
    const { run, board } = await startFlow(
      runtime,
      flow,
      { count: 0 },
      {
        board: (on) => {
          on.source = async (output, { signal }) => {
            await output.write({ id: 1 });
            await new Promise((resolve) => signal.addEventListener('abort', resolve));
            errors.push(await rejection(output.write({ id: 2 })));
          };
        },
      },
    );
    await until(() => board.sunk.length === 1);
    await Promise.all([run.stop(), run.stop()]);
    expect(await rejection(run.done)).to.be.instanceOf(StoppedError);
    expect(errors[0]).to.be.instanceOf(StoppedError);
    expect(board.aborted).to.have.length(3);
    for (const reason of board.aborted) expect(reason).to.be.instanceOf(StoppedError);
    await run.stop();
  });

  it('stops when it has hardly begun', async () => {
    const { runtime, cluster } = await start();
    await cluster.start();
    for (const ms of [0, 1, 2, 3, 4, 5, 6, 8, 10]) {
      const { run } = await startFlow(runtime, flow, { count: 100_000, stages: 2 });
      await cluster.pass(ms);
      await run.stop();
      expect(await rejection(run.done), `after ${ms} ms`).to.be.instanceOf(StoppedError);
    }
  });

  it('fails with what names segment, partition and cause', async () => {
    const { runtime, cluster } = await start();
    const { run } = await startFlow(
      runtime,
      flow,
      { count: 100 },
      {
        board: (on) => {
          on.stage = ({ id }) => {
            if (id === 50) throw Object.assign(new RangeError('row 50 is too much'), { code: 'TOO_MUCH' });
          };
        },
      },
    );
    const error = await rejection(run.done);
    expect(error).to.be.instanceOf(PipelineError);
    const place = run.progress().length;
    expect(place).to.be.greaterThan(0);
    expect(String(error)).to.match(/segment "stage" \(instance 0\) in partition \d+ failed: row 50 is too much/);
    const { cause } = error as PipelineError;
    expect(cause).to.be.instanceOf(Error).and.include({ message: 'row 50 is too much' });
    expect(cause).to.have.property('stack').that.contains('row 50 is too much');
    // In the other worlds the board of the test has carried the error over before, which keeps its message only.
    if (cluster.isVirtual) expect(cause).to.include({ name: 'RangeError', code: 'TOO_MUCH' });
  });

  for (const definition of [flow, restarting]) {
    it(`fails with the very error that a segment in the same process threw, and with one like it from elsewhere (${definition.name})`, async () => {
      const { runtime, cluster } = await start(TWO_PARTITIONS);
      const elsewhere = await cluster.start();
      // Partitions but the first are elsewhere, too, where they are on threads or in processes of their own.
      const here = cluster.isVirtual ? runtime.ordinals : runtime.ordinals.slice(0, 1);
      const thrown: Error[] = [];
      for (const ordinal of [...runtime.ordinals, ...elsewhere.ordinals]) {
        const { run } = await startFlow(
          runtime,
          definition,
          { count: 10 },
          {
            partitions: { stage: [ordinal] },
            board: (on) => {
              on.stage = () => {
                const error = new RangeError('too much', { cause: new Error('the deeper one') });
                thrown.push(error);
                throw error;
              };
            },
          },
        );
        const error = await rejection(run.done);
        expect(error).to.be.instanceOf(PipelineError);
        const { cause } = error as PipelineError;
        expect(cause === thrown.at(-1), `partition ${ordinal}`).to.equal(here.includes(ordinal));
        expect(cause).to.have.property('message', 'too much');
      }
    });
  }

  it('gives up code that does not settle after stopTimeoutMs', async () => {
    const { runtime, cluster } = await start(SHORT_STOP);
    const never = gate();
    const { run, board } = await startFlow(
      runtime,
      flow,
      { count: 10 },
      {
        partitions: Object.fromEntries(['source', 'stage', 'sink'].map((name) => [name, runtime.ordinals])),
        board: (on) => {
          on.sink = () => never.passed;
        },
      },
    );
    await until(() => board.sunk.length === 1);
    const { scheduler } = cluster.executor;
    const before = scheduler.now();
    const { givenUp } = await run.stop();
    cluster.expectPassed(scheduler.now() - before, 500, 700);
    expect(givenUp.map(({ segment, instance }) => `${segment} ${instance}`)).to.deep.equal(['sink 0']);
    expect(cluster.log.some(({ message }) => message.includes('was abandoned'))).to.equal(true);
    never.open();
  });

  it('starts anew after a failure when it says so, and ends with the clean result', async () => {
    const { runtime } = await start();
    const { run, board } = await startFlow(
      runtime,
      restarting,
      { count: 300, stages: 2 },
      {
        board: (on) => {
          on.stage = ({ id }) => {
            if (id === 250 && on.starts < 3) throw new Error('not yet');
          };
        },
      },
    );
    await run.done;
    expect(run.restarts).to.equal(2);
    expect(sorted(board.sunk.map(({ id }) => id))).to.deep.equal(upTo(300));
  });

  it('fails in the end when starting anew does not help', async () => {
    const { runtime } = await start();
    const { run, board } = await startFlow(
      runtime,
      restarting,
      { count: 3 },
      {
        board: (on) => {
          on.stage = () => {
            throw new Error('never');
          };
        },
      },
    );
    expect(await rejection(run.done)).to.be.instanceOf(PipelineError);
    expect([run.restarts, board.starts]).to.deep.equal([5, 6]);
  });

  it('stops while it starts anew', async () => {
    const { runtime, cluster } = await start();
    const { run } = await startFlow(
      runtime,
      restarting,
      { count: 3 },
      {
        board: (on) => {
          on.stage = async () => {
            await cluster.pass(cluster.many(10, 100));
            throw new Error('never');
          };
        },
      },
    );
    await until(() => run.restarts > 0);
    await cluster.pass(5);
    await run.stop();
    expect(await rejection(run.done)).to.be.instanceOf(StoppedError);
  });

  it('takes instances in and out while rows flow: nothing is lost, nothing comes twice', async () => {
    const streamWindow = { items: 16 };
    const { runtime, cluster } = await start({ streamWindow });
    await cluster.start({ streamWindow });
    let count = 0;
    let isEnough = false;
    const { run, board } = await startFlow(
      runtime,
      flow,
      { count: 0, stages: 2 },
      {
        board: (on) => {
          on.source = async (output) => {
            for (; !isEnough; count++) await output.write({ id: count });
          };
          on.stage = () => cluster.pass(1);
        },
      },
    );
    await until(() => board.sunk.length > 100);
    const added = await run.addInstance('stage');
    await until(() => board.staged.size === 3);
    const [first] = run.instances('stage');
    if (first === undefined) throw new Error('no instance is known');
    await run.drainInstance(first);
    await until(() => !run.instances('stage').includes(first));
    await run.addInstance('stage');
    await run.drainInstance(added);
    await until(() => board.staged.size === 4);
    isEnough = true;
    await run.done;
    expect(sorted(board.sunk.map(({ id }) => id))).to.deep.equal(upTo(count));
  });

  it('takes an instance in at any moment of the end', async () => {
    const { runtime, cluster } = await start();
    await cluster.start();
    for (let ms = 0; ms < 40; ms += 40 / cluster.many(10, 5)) {
      const { run, board } = await startFlow(
        runtime,
        flow,
        { count: 40 },
        {
          board: (on) => {
            on.stage = () => cluster.pass(1);
          },
        },
      );
      await until(() => board.sunk.length >= 30);
      await cluster.pass(ms);
      // It is refused once the segment has begun to end.
      await run.addInstance('stage').catch(() => 0);
      await run.done;
      expect(sorted(board.sunk.map(({ id }) => id)), `${ms} ms after row 30`).to.deep.equal(upTo(40));
    }
  });

  it('tells how far it is', async () => {
    const { runtime } = await start();
    const { run } = await startFlow(runtime, flow, { count: 100, stages: 2 });
    await run.done;
    const progress = new Map(run.progress().map((each) => [each.segment, each]));
    expect(progress.get('source')).to.include({ instances: 1, written: 100, done: 1 });
    expect(progress.get('stage')).to.include({ instances: 2, read: 100, written: 100, done: 2 });
    expect(progress.get('sink')).to.include({ instances: 1, read: 100, done: 1 });
  });
});
