import { expect } from 'chai';
import type { ClusterWatch } from '#src/introspection/index.js';
import { type ActorShown, type ClusterView, watchCluster } from '#src/introspection/index.js';
import { messageOf } from '#src/foreign.js';
import { hanging } from '../actors/runtime/hosting/hanging.js';
import { errandRunner, Errands } from '../actors/runtime/errand-runner.js';
import { describeRuntime, startFlow, until } from '../actors/runtime/harness.js';
import flow from '../actors/runtime/pipelines/flow.js';
import { gate } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';
import { eventually } from '../support/until.js';

/** Threads and processes may take so long on a busy machine. */
const PATIENT = { timeoutMs: 10_000 };
const QUICK = { onFailure: 'restart', backoff: { minMs: 1, maxMs: 1 } } as const;

function actorIn({ partitions }: ClusterView, name: string): ActorShown | undefined {
  return partitions.flatMap(({ actors }) => actors).find(({ path }) => path.endsWith(`/${name}`));
}

describeRuntime({ title: 'a watch of a cluster', shares: true }, (start) => {
  it('shows processes, partitions, actors, names, links and events', async () => {
    const { runtime } = await start();
    await using watch = watchCluster(runtime, PATIENT);
    const first = await watch.refresh();
    expect(first.processes.map(({ name }) => name)).to.include(runtime.name);
    expect(first.partitions.map(({ ordinal }) => ordinal)).to.include.members([...runtime.ordinals]);
    expect(first.partitions.map(({ silence }) => silence)).to.deep.equal(first.partitions.map(() => undefined));
    expect(first.partitions.flatMap(({ links }) => links).some(({ isOpen }) => isOpen)).to.equal(true);
    const ref = runtime.spawn(errandRunner(), { name: 'till', register: true });
    await runtime.whenRegistered(ref);
    for (let value = 0; value < 20; value++) await ref.run({ value });
    const view = await watch.refresh();
    expect(actorIn(view, 'till')).to.include({ service: 'test.Errands', phase: 'running', handled: 20, queued: 0 });
    expect(actorIn(view, 'till')?.path).to.match(/^[^/]+\/till$/);
    const { partition } = view.names.find(({ name }) => name === 'till') ?? {};
    expect(partition).to.equal(runtime.ordinals[0]);
    expect(view.events.map(({ kind, subject }) => `${kind} ${subject.split('/')[1]}`)).to.include('started till');
    expect(JSON.parse(JSON.stringify(view))).to.have.property('partitions');
    await runtime.stopActor(ref);
    const after = await watch.refresh();
    expect(actorIn(after, 'till')).to.equal(undefined);
    expect(after.events[0]).to.include({ kind: 'stopped', partition });
  });

  it('lists the fullest mailboxes first, as many as it is asked for, and shows what waits in one', async () => {
    const { runtime } = await start();
    const held = gate();
    const slow = errandRunner({ push: () => held.passed });
    const refs = [1, 2, 3].map((count) => {
      const ref = runtime.spawn(slow, { name: `slow-${count}` });
      for (let sent = 0; sent <= count; sent++) ref.push({});
      return ref;
    });
    await using watch = watchCluster(runtime, { ...PATIENT, limit: 2, filter: 'slow-' });
    await until(() => runtime.health().partitions[0]?.queued === 6);
    const view = await watch.refresh();
    const { actors = [], actorsFound, queued } = view.partitions.find(({ actorsFound }) => actorsFound > 0) ?? {};
    expect({ actorsFound, queued }).to.deep.equal({ actorsFound: 3, queued: 6 });
    expect(actors.map(({ queued, isWaiting }) => [queued, isWaiting])).to.deep.equal([
      [3, true],
      [2, true],
    ]);
    const [{ path } = { path: '' }] = actors;
    const detail = await watch.examine(runtime.ordinals[0] ?? 0, path);
    expect(detail.waiting).to.deep.equal(['push', 'push', 'push']);
    held.open();
    for (const ref of refs) await runtime.stopActor(ref);
  });

  it('counts failures, and shows the state that a behavior offers, and why it has none', async () => {
    const { runtime } = await start();
    const counting = errandRunner<{ sum: number }>({
      supervision: QUICK,
      state: () => ({ sum: 0 }),
      push: (state, { value }) => {
        if (value === 13) throw new RangeError('unlucky');
        state.sum += value;
      },
      on: {
        inspect: ({ sum }) => {
          if (sum > 100) throw new RangeError('too much');
          return { sum, big: 2n ** 40n };
        },
      },
    });
    await using watch = watchCluster(runtime, PATIENT);
    await watch.refresh();
    const ref = runtime.spawn(counting, { name: 'sum' });
    const [ordinal = 0] = runtime.ordinals;
    for (const value of [1, 13, 2]) ref.push({ value });
    await ref.run({});
    const { path = '', ...shown } = actorIn(await watch.refresh(), 'sum') ?? {};
    expect(shown).to.include({ failures: 1, lastFailure: 'unlucky' });
    expect(JSON.parse((await watch.examine(ordinal, path)).state)).to.deep.equal({ sum: 2, big: '1099511627776n' });
    ref.push({ value: 1000 });
    await ref.run({});
    expect(await watch.examine(ordinal, path)).to.include({ state: '', stateProblem: 'on.inspect failed: too much' });
    await watch.act(ordinal, path, 'restart');
    await ref.run({});
    expect((await watch.examine(ordinal, path)).state).to.contain('"sum":0');
    await watch.act(ordinal, path, 'stop');
    await until(() => runtime.health().partitions[0] !== undefined);
    expect(await rejection(watch.examine(ordinal, path))).to.include({ code: 'REFUSED', reason: 'NO_SUCH_ACTOR' });
  });

  it('refuses what makes no sense, and to act on the runtime itself', async () => {
    const { runtime } = await start();
    expect(() => watchCluster(runtime, { ...PATIENT, limit: -1 })).to.throw(/limit is a whole number/);
    await using watch = watchCluster(runtime, { ...PATIENT, withRuntime: true });
    const view = await watch.refresh();
    const [ordinal = 0] = runtime.ordinals;
    const { path = '' } =
      view.partitions.find((each) => each.ordinal === ordinal)?.actors.find(({ path }) => path.endsWith('/spawner')) ??
      {};
    expect(await rejection(watch.act(ordinal, path, 'stop'))).to.include({ code: 'REFUSED', reason: 'OF_RUNTIME' });
    for (const wrong of ['', '/', 'nobody', `${path}/child`, '../..']) {
      expect(await rejection(watch.examine(ordinal, wrong))).to.include({ code: 'REFUSED', reason: 'NO_SUCH_ACTOR' });
    }
    expect(messageOf(await rejection(watch.examine(0x3fff_ffff, path)))).to.match(/There is no partition/);
  });

  it('calls an actor that has a name, by JSON', async () => {
    const { runtime } = await start();
    const [, ordinal = runtime.ordinals[0] ?? 0] = runtime.ordinals;
    const far = await runtime.place(hanging, { args: { began: '' }, on: { partition: ordinal }, register: 'far' });
    await using watch = watchCluster(runtime, PATIENT);
    expect(JSON.parse(await watch.call('far', 'run', '{"value":7}'))).to.include({ value: 7 });
    expect(await watch.call('far', 'run', '{"value":7}', { isTell: true })).to.equal('');
    const reasons: unknown[] = [];
    for (const [method, json] of [
      ['fly', '{}'],
      ['run', '{'],
      ['run', '[1]'],
      ['constructor', '{}'],
    ] as const) {
      reasons.push(((await rejection(watch.call('far', method, json))) as { reason?: string }).reason);
    }
    expect(reasons).to.deep.equal(['NO_SUCH_METHOD', 'BAD_REQUEST', 'BAD_REQUEST', 'NO_SUCH_METHOD']);
    expect(messageOf(await rejection(watch.call('nobody', 'run', '{}')))).to.match(
      /^Nobody has the name "nobody"\. There are .*far/,
    );
    const view = await watch.refresh();
    expect(view.partitions.find((each) => each.ordinal === ordinal)?.actors.map(({ service }) => service)).to.include(
      Errands.typeName,
    );
    await runtime.stopActor(far);
  });

  it('shows a pipeline that runs, with what its segments have read and written', async () => {
    const { runtime } = await start();
    await using watch = watchCluster(runtime, PATIENT);
    const held = gate();
    const { run } = await startFlow(
      runtime,
      flow,
      { count: 0 },
      {
        board: (board) => {
          board.source = async (output) => {
            for (let id = 0; id < 50; id++) await output.write({ id });
            await held.passed;
          };
        },
      },
    );
    let { pipelines } = await watch.refresh();
    const read = () => pipelines[0]?.segments.find(({ name }) => name === 'sink')?.read;
    await eventually(async () => {
      ({ pipelines } = await watch.refresh());
      return read() === 50 && pipelines[0]?.segments.every(({ state }) => state === 'running') === true;
    });
    expect(pipelines[0]).to.include({ name: 'flow', state: 'running', failure: '' });
    const written = pipelines[0]?.segments.map(({ name, state, written }) => [name, state, written]);
    expect(written).to.have.deep.members([
      ['source', 'running', 50],
      ['stage', 'running', 50],
      ['sink', 'running', 0],
    ]);
    held.open();
    await run.done;
  });
});

describeRuntime({ title: 'a watch that is closed', virtualOnly: 'its time is what passes' }, (start) => {
  it('lets nothing be measured any more, at once or when it expires', async () => {
    const { runtime, cluster } = await start();
    const ref = runtime.spawn(errandRunner(), { name: 'till' });
    const handled = async (watch: ClusterWatch) => actorIn(await watch.refresh(), 'till')?.handled;
    const first = watchCluster(runtime, PATIENT);
    expect(await handled(first)).to.equal(0);
    await ref.run({});
    expect(await handled(first)).to.equal(1);
    const second = watchCluster(runtime, PATIENT);
    expect(await handled(second)).to.equal(1);
    first.close();
    await ref.run({});
    expect(await handled(second)).to.equal(2);
    second.close();
    await ref.run({});
    await using third = watchCluster(runtime, PATIENT);
    expect(await handled(third)).to.equal(0);
    // Nothing is heard of it for longer than the expiry.
    await cluster.pass(25_000);
    await ref.run({});
    expect(await handled(third)).to.equal(0);
    expect(messageOf(await rejection(first.refresh()))).to.match(/is closed/);
  });

  it('is one of a bounded number', async () => {
    const { runtime } = await start();
    const watches = Array.from({ length: 17 }, () => watchCluster(runtime, PATIENT));
    const views = [];
    for (const watch of watches) views.push(await watch.refresh());
    expect(views[15]?.partitions[0]?.silence).to.equal(undefined);
    expect(views[16]?.partitions[0]?.silence).to.match(/has 16 watches already/);
    for (const watch of watches) watch.close();
  });
});
