import { expect } from 'chai';
import { AskAbortedError, ConfigError, UnreachableError } from '#src/errors.js';
import type { Runtime } from '#src/actors/runtime/index.js';
import { v1 } from '#src/protocol/index.js';
import { behavior } from '#src/actors/kernel/index.js';
import { upTo } from '../../../support/numbers.js';
import { rejection } from '../../../support/rejection.js';
import { errandRunner, Errands } from '../errand-runner.js';
import { type Cluster, describeRuntime, until } from '../harness.js';
import { adder, lasting } from '../placing/components.js';

/** An actor that says its number, and counts what it is told. */
function counter(number: number) {
  const seen: number[] = [];
  const definition = errandRunner({
    push: (_state, { value }) => void seen.push(value),
    run: () => ({ value: number }),
  });
  return { definition, seen };
}

async function members(runtime: Runtime, count: number, from = 0) {
  const made = upTo(count).map((index) => counter(from + index));
  const refs = made.map(({ definition }) => runtime.spawn(definition));
  for (const ref of refs) await runtime.register('pool', ref, { group: true });
  return { refs, seen: made.map(({ seen }) => seen) };
}

/** On virtual time, time passes while nothing is to be done. */
async function eventuallyIn(cluster: Cluster, isTrue: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1_000; tries++) {
    if (await isTrue()) return;
    await cluster.pass(5);
  }
  throw new Error(`this never became true: ${isTrue.toString()}`);
}

describeRuntime({ title: 'a group', linked: true }, (start) => {
  it('gives its messages to its members in turn, those of other processes too', async () => {
    const { runtime, cluster } = await start();
    const other = await cluster.start();
    await members(runtime, 2);
    await members(other, 2, 2);
    const pool = await runtime.group(Errands, 'pool');
    const answers: number[] = [];
    for (let times = 0; times < 8; times++) answers.push((await pool.run({})).value);
    expect(answers.toSorted((one, other) => one - other)).to.deep.equal([0, 0, 1, 1, 2, 2, 3, 3]);
    const read: number[] = [];
    for await (const { value } of pool.list({ value: 3 })) read.push(value);
    expect(read).to.deep.equal([0, 1, 2]);
    await pool.ready({ timeoutMs: 30_000 });
  });

  it('changes as actors join, leave and end, without a lost tell', async () => {
    const { runtime, cluster } = await start();
    const other = await cluster.start();
    const pool = await runtime.group(Errands, 'pool');
    const { refs, seen } = await members(other, 3);
    let sent = 0;
    const send = (times: number): void => {
      for (let time = 0; time < times; time++) pool.push({ value: sent++ });
    };
    const sendUntil = (isTrue: () => boolean) =>
      eventuallyIn(cluster, async () => {
        send(1);
        return isTrue();
      });
    await sendUntil(() => seen.every(({ length }) => length > 0));
    // What was sent while nobody was a member was a dead letter.
    const early = runtime.deadLetters.count;
    const [first] = refs;
    if (first === undefined) throw new Error('three were made');
    await other.unregister('pool', first);
    const before = seen[0]?.length;
    send(60);
    const all = () => seen.reduce((sum, { length }) => sum + length, 0);
    await until(() => all() === sent - early);
    expect(seen[0]?.length).to.equal(before);
    expect(runtime.deadLetters.count).to.equal(early);
    await other.register('pool', first, { group: true });
    await sendUntil(() => (seen[0]?.length ?? 0) > (before ?? 0));
    for (const ref of refs) await other.stopActor(ref);
    await eventuallyIn(cluster, async () => !pool.push({ value: 0 }));
    expect(await rejection(pool.run({}))).to.be.instanceOf(UnreachableError);
    expect(await rejection(pool.ready())).to.be.instanceOf(UnreachableError);
  });

  it('loses the members of a process that ends', async () => {
    const { runtime, cluster } = await start();
    const other = await cluster.start();
    await members(runtime, 1);
    await members(other, 1, 1);
    const pool = await runtime.group(Errands, 'pool');
    await other.stop();
    const isAnswered = () =>
      pool.run({}).then(
        () => true,
        () => false,
      );
    await eventuallyIn(cluster, async () => (await isAnswered()) && (await isAnswered()));
    for (let times = 0; times < 6; times++) expect((await pool.run({})).value).to.equal(0);
  });

  it('chooses by its policy', async () => {
    const { runtime, cluster } = await start();
    const other = await cluster.start();
    const near = await members(runtime, 2);
    const far = await members(other, 2, 2);
    const local = await runtime.group(Errands, 'pool', { policy: 'local-first' });
    for (let times = 0; times < 6; times++) expect((await local.run({})).value).to.be.lessThan(2);
    const all = await runtime.group(Errands, 'pool', { policy: 'broadcast' });
    expect(all.push({ value: 7 })).to.equal(true);
    await until(() => [...near.seen, ...far.seen].every(({ length }) => length === 1));
    expect(await rejection(all.run({}))).to.be.instanceOf(ConfigError);
    const hashed = await runtime.group(Errands, 'pool', { policy: { hash: ({ value }) => value } });
    const owners = new Map<number, number>();
    for (let times = 0; times < 3; times++) {
      for (const value of upTo(40)) {
        const owner = (await hashed.run({ value })).value;
        expect(owners.get(value) ?? owner).to.equal(owner);
        owners.set(value, owner);
      }
    }
    expect(new Set(owners.values()).size).to.equal(4);
    const [leaving] = far.refs;
    if (leaving === undefined) throw new Error('two were made');
    await other.unregister('pool', leaving);
    for (const [value, owner] of owners) {
      if (owner !== 2) expect((await hashed.run({ value })).value).to.equal(owner);
    }
  });

  it('asks the member that has the fewest asks of this process to answer', async () => {
    const { runtime } = await start();
    const waiting: (() => void)[] = [];
    const slow = errandRunner({
      run: () => new Promise((resolve) => waiting.push(() => resolve({ value: 9 }))),
    });
    await runtime.register('pool', runtime.spawn(slow), { group: true });
    await members(runtime, 1);
    const pool = await runtime.group(Errands, 'pool', { policy: 'least-loaded' });
    const asks = [pool.run({})];
    await until(() => waiting.length > 0 || asks.push(pool.run({})) > 100);
    for (let times = 0; times < 5; times++) expect((await pool.run({})).value).to.equal(0);
    for (const answer of waiting) answer();
    await Promise.all(asks);
  });

  it('has no name that an actor has, nor the other way around, and no member of another service', async () => {
    const { runtime } = await start();
    await members(runtime, 1);
    const single = runtime.spawn(errandRunner());
    expect(await rejection(runtime.register('pool', single))).to.be.instanceOf(ConfigError);
    await runtime.register('single', single);
    expect(await rejection(runtime.register('single', single, { group: true }))).to.be.instanceOf(ConfigError);
    const stranger = behavior(v1.PartitionRuntime, { describe: () => ({}) });
    await runtime.register('pool', runtime.spawn(stranger), { group: true });
    const pool = await runtime.group(Errands, 'pool');
    for (let times = 0; times < 3; times++) expect((await pool.run({})).value).to.equal(0);
    const untyped = (value: unknown): never => value as never;
    expect(await rejection(runtime.group(Errands, 'pool', { policy: untyped('random') }))).to.be.instanceOf(
      ConfigError,
    );
  });

  it('is refused to who asks for it with another service than its actors have, and names both', async () => {
    const { runtime, cluster } = await start();
    const stranger = behavior(v1.PartitionRuntime, { describe: () => ({}) });
    const ref = runtime.spawn(stranger);
    await runtime.register('strangers', ref, { group: true });
    const calls = [runtime.group(Errands, 'strangers'), runtime.watchGroup(Errands, 'strangers', () => {})];
    for (const call of calls) {
      const error = await rejection(call);
      expect(error).to.be.instanceOf(ConfigError);
      expect(error)
        .to.have.property('message')
        .that.includes('test.Errands')
        .and.includes('millrace.v1.PartitionRuntime');
    }
    await runtime.group(v1.PartitionRuntime, 'strangers');
    const early = await runtime.group(Errands, 'later');
    await runtime.register('later', ref, { group: true });
    await eventuallyIn(cluster, async () =>
      String(await rejection(early.run({}))).includes('millrace.v1.PartitionRuntime'),
    );
  });

  it('is waited for no longer than its caller wants', async () => {
    const { runtime } = await start();
    const over = new AbortController();
    over.abort();
    expect(await rejection(runtime.group(Errands, 'pool', { signal: over.signal }))).to.be.instanceOf(AskAbortedError);
    const next = new AbortController();
    const waiting = rejection(runtime.group(Errands, 'pool', { signal: next.signal, timeoutMs: 60_000 }));
    next.abort();
    expect(await waiting).to.be.instanceOf(AskAbortedError);
    expect(await rejection(runtime.group(Errands, 'pool', { timeoutMs: -1 }))).to.be.instanceOf(ConfigError);
  });

  it('is followed by its members', async () => {
    const { runtime, cluster } = await start();
    const other = await cluster.start();
    const sizes: number[] = [];
    const unwatch = await runtime.watchGroup(Errands, 'pool', (refs) => sizes.push(refs.length));
    const { refs } = await members(other, 2);
    await until(() => sizes.length === 3);
    for (const ref of refs) await other.unregister('pool', ref);
    await until(() => sizes.length === 5);
    expect(sizes).to.deep.equal([0, 1, 2, 1, 0]);
    unwatch();
    unwatch();
    await members(other, 1);
    await cluster.pass(100);
    expect(sizes).to.have.length(5);
  });
});

describeRuntime('a group of placed actors', (start) => {
  it('is joined by placed actors', async () => {
    const { runtime, cluster } = await start();
    const refs = await runtime.place(adder, { args: { start: 1 }, instances: 3, group: 'adders' });
    const adders = await runtime.group(Errands, 'adders');
    for (let times = 0; times < 6; times++) expect((await adders.run({ value: 1 })).value).to.equal(2);
    for (const ref of refs) await runtime.stopActor(ref);
    expect(await rejection(adders.run({ value: 1 }))).to.be.instanceOf(UnreachableError);
    await runtime.place(lasting, { group: 'adders' });
    await eventuallyIn(cluster, async () => (await adders.run({ value: 5 }).catch(() => ({ value: 0 }))).value === 5);
  });

  it('is left by a placed actor that is told to, and that goes on', async () => {
    const { runtime, cluster } = await start();
    const refs = await runtime.place(adder, { args: { start: 1 }, instances: 2, group: 'adders' });
    const [leaving, staying] = refs;
    if (leaving === undefined || staying === undefined) throw new Error('two were placed');
    const other = await cluster.start();
    const adders = await other.group(Errands, 'adders');
    await runtime.unregister('adders', leaving);
    leaving.push({ value: 10 });
    for (let times = 0; times < 4; times++) expect((await adders.run({ value: 1 })).value).to.equal(2);
    expect((await leaving.run({ value: 1 })).value).to.equal(12);
    await runtime.stopActor(staying);
    await eventuallyIn(cluster, async () => (await rejection(adders.run({}))) instanceof UnreachableError);
  });

  it('has placed actors that have a name of their own too, of which one stands by', async () => {
    const { runtime, cluster } = await start();
    const other = await cluster.start();
    const placed = await runtime.place(adder, {
      instances: 2,
      group: 'adders',
      register: 'adder',
      standby: true,
    });
    const found = await other.lookup(Errands, 'adder');
    expect((await found.run({ value: 3 })).value).to.equal(3);
    const first = placed.find((ref) => ref.toRef().cUid === found.toRef().cUid);
    const second = placed.find((ref) => ref !== first);
    if (first === undefined || second === undefined) throw new Error('two were placed');
    await runtime.stopActor(first);
    await eventuallyIn(
      cluster,
      async () => (await other.lookup(Errands, 'adder')).toRef().cUid === second.toRef().cUid,
    );
    const adders = await other.group(Errands, 'adders');
    await runtime.unregister('adder', second);
    expect((await adders.run({ value: 4 })).value).to.equal(4);
    expect(await rejection(other.lookup(Errands, 'adder', { timeoutMs: 200 }))).to.include({ code: 'ASK_TIMEOUT' });
  });
});
