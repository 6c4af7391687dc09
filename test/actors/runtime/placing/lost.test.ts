import { expect } from 'chai';
import { AskTimeoutError, MillraceError, StoppedError, UnreachableError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import type { DeadLetter, Failure, UntypedRef } from '#src/actors/kernel/index.js';
import type { Runtime } from '#src/actors/runtime/index.js';
import { upTo } from '../../../support/numbers.js';
import { rejection } from '../../../support/rejection.js';
import { eventually, turn } from '../../../support/until.js';
import { errandRunner, Errands } from '../errand-runner.js';
import { closeAfterEach, Cluster, describeHosted, until } from '../harness.js';
import { adder, blocking, careless, lasting } from './components.js';
import { ending } from './ending.js';

/** Ends the thread or process of the actor that is told this. */
const END = { value: 666 };

function failuresOf(runtime: Runtime): Failure[] {
  const failures: Failure[] = [];
  runtime.failures.subscribe((failure) => failures.push(failure));
  return failures;
}

describeHosted('an actor whose partition ends', (newCluster) => {
  it('is unreachable for those who watch it, and a failure of its runtime', async () => {
    const cluster = newCluster();
    const runtime = await cluster.start();
    const failures = failuresOf(runtime);
    const [, before] = runtime.ordinals;
    const ref = await runtime.place(adder, { name: 'unlucky' });
    const end = ending(runtime, ref);
    ref.push(END);
    expect((await end).reason).to.equal('unreachable');
    await eventually(() => failures.length > 0);
    expect(failures.map(({ path }) => path)).to.deep.equal(['node-0.process-0-1/unlucky']);
    expect(failures[0]?.error).to.be.instanceOf(UnreachableError);
    const lost = () => runtime.health().troubles.map(({ actor, state }) => [actor, state]);
    expect(lost()).to.deep.equal([['node-0.process-0-1/unlucky', 'ended']]);
    expect(runtime.health().problems.join()).to.include('node-0.process-0-1/unlucky');
    expect(await rejection(ref.run({ value: 1 }))).to.be.instanceOf(UnreachableError);
    await eventually(() => runtime.ordinals.length === 2 && runtime.ordinals[1] !== before);
    await runtime.place(adder, { name: 'unlucky' });
    expect(lost()).to.deep.equal([]);
  });

  it('may block it for ever: who stops the actor has the partition ended, and it begins anew', async () => {
    const cluster = newCluster();
    const runtime = await cluster.start({ kernelLimits: { stopTimeoutMs: 500 } });
    const [, before] = runtime.ordinals;
    const ref = await runtime.place(blocking);
    ref.push({});
    // It has arrived: what stops the actor may overtake it.
    expect(await rejection(ref.run({}, { timeoutMs: 1_500 }))).to.be.instanceOf(AskTimeoutError);
    await runtime.stopActor(ref);
    expect(await rejection(ref.run({}))).to.be.instanceOf(UnreachableError);
    await eventually(() => runtime.ordinals.length === 2 && runtime.ordinals[1] !== before);
    expect((await (await runtime.place(adder)).run({ value: 1 })).value).to.equal(1);
  });

  it('in a partition that does not answer keeps the deadline of who places another one there', async () => {
    const cluster = newCluster();
    const runtime = await cluster.start({ kernelLimits: { stopTimeoutMs: 500 } });
    const ref = await runtime.place(blocking);
    ref.push({});
    expect(await rejection(ref.run({}, { timeoutMs: 1_500 }))).to.be.instanceOf(AskTimeoutError);
    const fromMs = performance.now();
    const error = await rejection(runtime.place(adder, { timeoutMs: 500 }));
    // Without a deadline of its own it would wait for placeTimeoutMs.
    expect(performance.now() - fromMs).to.be.below((2 * limits.placeTimeoutMs) / 3);
    expect(error).to.be.instanceOf(AskTimeoutError).and.has.property('message').that.contains('Component "adder"');
  });

  it('is placed again where its component says so, and found by its name; the old reference stays dead', async () => {
    const cluster = newCluster();
    const runtime = await cluster.start();
    const failures = failuresOf(runtime);
    const ref = await runtime.place(lasting, { name: 'lasting', register: 'lasting' });
    const { value: before } = await ref.rush({});
    const end = ending(runtime, ref);
    ref.push(END);
    expect((await end).reason).to.equal('unreachable');
    await eventually(async () => {
      const again = await runtime.lookup(Errands, 'lasting', { timeoutMs: 30_000 });
      return again.toRef().cUid !== ref.toRef().cUid && (await again.run({ value: 4 })).value === 4;
    });
    const again = await runtime.lookup(Errands, 'lasting');
    if (cluster.placement === 'process') expect((await again.rush({})).value).to.not.equal(before);
    expect(await rejection(ref.run({ value: 1 }))).to.be.instanceOf(UnreachableError);
    expect(failures).to.deep.equal([]);
    const stopped = ending(runtime, again);
    await runtime.stopActor(ref);
    expect((await stopped).reason).to.equal('stopped');
  });

  it('is not what a lookup finds for who was told that it is unreachable', async () => {
    const cluster = newCluster();
    const runtime = await cluster.start({ system: { partitions: 3 } });
    await runtime.place(lasting, { register: 'found' });
    for (let round = 0; round < 2; round++) {
      const ref = await runtime.lookup(Errands, 'found', { timeoutMs: 30_000 });
      ref.push(END);
      let outcome: unknown;
      while (!(outcome instanceof UnreachableError))
        outcome = await ref.run({ value: 1 }).catch((error: unknown) => error);
      const again = await runtime.lookup(Errands, 'found', { timeoutMs: 30_000 });
      expect((await again.run({ value: 4 })).value).to.equal(4);
      // Else it is placed beside the program, which it would end.
      await eventually(() => runtime.ordinals.length === 3);
    }
  });

  it('is passed over by who places an actor anywhere', async () => {
    const cluster = newCluster();
    const runtime = await cluster.start({ system: { partitions: 3 } });
    const ref = await runtime.place(adder);
    ref.push(END);
    let outcome: unknown;
    while (!(outcome instanceof UnreachableError))
      outcome = await ref.run({ value: 1 }).catch((error: unknown) => error);
    for (let count = 0; count < 4; count++)
      expect((await (await runtime.place(adder)).run({ value: 1 })).value).to.equal(1);
  });

  it('is placed again in the partition that it was placed in by its ordinal, which has another one by then', async () => {
    const cluster = newCluster();
    const runtime = await cluster.start({ system: { partitions: 3 } });
    const [, , third = 0] = runtime.ordinals;
    const ref = await runtime.place(lasting, { on: { partition: third }, register: 'there' });
    ref.push(END);
    await eventually(() => runtime.health().problems.some((problem) => problem.includes('is being placed again')));
    await eventually(async () => {
      const again = await runtime.lookup(Errands, 'there', { timeoutMs: 30_000 }).catch(() => undefined);
      return again !== undefined && again.toRef().cUid !== ref.toRef().cUid;
    });
    const again = await runtime.lookup(Errands, 'there');
    await again.run({ value: 1 });
    const placed = Number((again.toRef().cUid - 2n ** 63n) >> 32n);
    const [, second] = runtime.ordinals;
    expect(runtime.ordinals).to.include(placed);
    expect([second, third]).to.not.include(placed);
    await eventually(() => runtime.health().isReady);
  });

  it('goes back to its partition when that has begun anew, where others of its group go on meanwhile', async () => {
    const cluster = newCluster();
    const runtime = await cluster.start({ system: { partitions: 3 } });
    const refs = await runtime.place(lasting, { instances: 2, group: 'pool' });
    const [, , third] = runtime.ordinals;
    const members: UntypedRef[][] = [];
    await runtime.watchGroup(Errands, 'pool', (all) => void members.push([...all]));
    const ordinalOf = (ref: UntypedRef): number => Number((ref.toRef().cUid - 2n ** 63n) >> 32n);
    refs.find((ref) => ordinalOf(ref) === third)?.push(END);
    await eventually(() => members.at(-1)?.length === 1);
    await eventually(() => members.at(-1)?.length === 2);
    const ordinals = (members.at(-1) ?? []).map(ordinalOf);
    expect(new Set(ordinals).size).to.equal(2);
    expect(ordinals).to.not.include(third);
  });
});

describeHosted('a dead letter of what a placed actor has sent', (newCluster) => {
  it('is counted in the metrics of the runtime and logged, and is none of the dead letters of its program', async () => {
    const cluster = newCluster();
    const runtime = await cluster.start();
    const letters: DeadLetter[] = [];
    runtime.deadLetters.subscribe((letter) => letters.push(letter));
    const ref = await runtime.place(careless);
    await ref.run({ value: 1 });
    const counts = () => runtime.metrics().partitions.map(({ deadLetters }) => deadLetters.stopped ?? 0);
    await eventually(() => counts()[1] === 1);
    expect(counts()).to.deep.equal([0, 1]);
    await eventually(() => cluster.log.some(({ message }) => message === 'dead letter'));
    expect(letters).to.deep.equal([]);
  });
});

describe('a process that hosts placed actors', function () {
  this.timeout(120_000);
  closeAfterEach();

  it('may be killed under load: each ask has its reply or an error, and the actors go on elsewhere', async () => {
    const cluster = new Cluster({}, 'process');
    const runtime = await cluster.start({ system: { partitions: 3 } });
    const names = upTo(6).map((index) => `actor-${index}`);
    for (const name of names) await runtime.place(lasting, { name, register: name });
    const first = await runtime.lookup(Errands, 'actor-0');
    const victim = await first.rush({});
    const count = { asked: 0, answered: 0, failed: 0 };
    let isOver = false;
    const load = names.map(async (name) => {
      while (!isOver) {
        count.asked++;
        try {
          const ref = await runtime.lookup(Errands, name, { timeoutMs: 30_000 });
          const { value } = await ref.run({ value: count.asked % 1_000 });
          expect(value).to.be.within(0, 999);
          count.answered++;
        } catch (error) {
          expect(error).to.be.instanceOf(MillraceError);
          count.failed++;
        }
      }
    });
    try {
      await eventually(() => count.answered > 100);
      // It leaves this process in a later turn, so the victim does not answer it.
      const unanswered = rejection(first.run({}));
      process.kill(victim.value, 'SIGKILL');
      expect(await unanswered).to.be.instanceOf(UnreachableError);
      await eventually(async () => {
        const found = names.map(async (name) => {
          const ref = await runtime.lookup(Errands, name, { timeoutMs: 30_000 });
          return (await ref.rush({})).value !== victim.value;
        });
        return (await Promise.all(found.map((each) => each.catch(() => false)))).every(Boolean);
      });
      const { answered } = count;
      await eventually(() => count.answered > answered + 100);
    } finally {
      isOver = true;
    }
    await Promise.all(load);
    expect(count.answered + count.failed).to.equal(count.asked);
  });
});

describe('a virtual process that hosts placed actors', () => {
  closeAfterEach();

  it('may crash, or stop in order: what it hosts is placed at another with the same label', async () => {
    const cluster = new Cluster();
    const runtime = await cluster.start();
    const failures = failuresOf(runtime);
    for (let workers = 0; workers < 3; workers++) await cluster.start({ labels: ['work'] });
    const [, , second, third] = cluster.started;
    const names = ['a', 'b', 'c'];
    const placed = await Promise.all(
      names.map((register) => runtime.place(lasting, { on: { label: 'work' }, register })),
    );
    expect(new Set(placed.map(partitionOf)).size).to.equal(3);
    cluster.executor.crash('node-1');
    await second?.stop();
    const last = third?.ordinals[0];
    const isMoved = async (name: string): Promise<boolean> => {
      const ref = await runtime.lookup(Errands, name, { timeoutMs: 20_000 });
      return partitionOf(ref) === last && (await ref.run({ value: 3 }).catch(() => ({ value: 0 }))).value === 3;
    };
    await eventually(async () => (await Promise.all(names.map(isMoved))).every(Boolean));
    expect(failures).to.deep.equal([]);
    for (const ref of placed) {
      if (partitionOf(ref) !== last) expect(await rejection(ref.run({}))).to.satisfy(isGone);
    }
  });

  it('leaves dead letters and errors with the path of an actor that was placed, and the name of one that was looked up', async () => {
    const cluster = new Cluster();
    const runtime = await cluster.start();
    const other = await cluster.start({ labels: ['work'] });
    const letters: DeadLetter[] = [];
    runtime.deadLetters.subscribe((letter) => letters.push(letter));
    await other.register('named', other.spawn(errandRunner()));
    const refs = [
      await runtime.place(adder, { on: { label: 'work' }, name: 'placed' }),
      await runtime.lookup(Errands, 'named'),
    ];
    for (const ref of refs) await ref.run({});
    const ends = refs.map((ref) => ending(runtime, ref));
    cluster.executor.crash('node-1');
    await Promise.all(ends);
    for (const ref of refs) ref.push({ value: 1 });
    await until(() => letters.length === 2);
    expect(letters.map(({ path }) => path.replace(/ at .*/, ''))).to.deep.equal([
      'node-1.process-1-0/placed',
      '"named" (test.Errands) in partition node-1.process-1-0',
    ]);
  });

  it('may have many, which wait together for another place, and cause no warning', async () => {
    const warnings: Error[] = [];
    const warned = (warning: Error): void => void warnings.push(warning);
    process.on('warning', warned);
    try {
      const cluster = new Cluster();
      const runtime = await cluster.start();
      await cluster.start({ labels: ['work'] });
      const placed = await runtime.place(lasting, { on: { label: 'work' }, instances: 40 });
      const ends = placed.map((ref) => ending(runtime, ref));
      cluster.executor.crash('node-1');
      await Promise.all(ends);
      await cluster.pass(1_000);
      await cluster.start({ labels: ['work'] });
      const third = cluster.started[2];
      const { actors = 0 } = third?.metrics() ?? {};
      await until(() => third?.metrics().actors === actors + 40);
      // Warnings come in a turn of their own.
      await turn();
      expect(warnings).to.deep.equal([]);
    } finally {
      process.off('warning', warned);
    }
  });

  it('is a failure when no other partition meets what it was placed by, for a minute', async () => {
    const cluster = new Cluster();
    const runtime = await cluster.start();
    await cluster.start();
    const failures = failuresOf(runtime);
    const ref = await runtime.place(lasting, { on: { node: 'node-1' }, name: 'only' });
    const fallen = ending(runtime, ref);
    cluster.executor.crash('node-1');
    expect((await fallen).reason).to.equal('unreachable');
    await until(() => failures.length > 0);
    expect(failures[0]?.path).to.equal('node-1.process-1-0/only');
    expect(String(failures[0]?.error)).to.match(/UnreachableError: .* lost: .* It could not be placed again/);
  });
});

/** The ordinal in the channel id of an actor. */
function partitionOf(ref: UntypedRef): number {
  return Number((ref.toRef().cUid - 2n ** 63n) >> 32n);
}

function isGone(error: unknown): boolean {
  return error instanceof UnreachableError || error instanceof StoppedError;
}
