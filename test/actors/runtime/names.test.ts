import { expect } from 'chai';
import { AskAbortedError, AskTimeoutError, ConfigError, ProtocolError } from '#src/errors.js';
import { v1 } from '#src/protocol/index.js';
import { behavior } from '#src/actors/kernel/index.js';
import { rejection } from '../../support/rejection.js';
import { describeRuntime, until } from './harness.js';

const numbered = (ordinal: number) =>
  behavior(v1.PartitionRuntime, { supervision: 'stop', describe: () => ({ ordinal }) });

describeRuntime({ title: 'a registered name', linked: true }, (start) => {
  it('is given back when its actor ends, and another may have it at once', async () => {
    const { runtime, cluster } = await start();
    const other = await cluster.start();
    const first = runtime.spawn(numbered(1), { name: 'it', register: true });
    expect(await (await other.lookup(v1.PartitionRuntime, 'it')).describe({})).to.include({ ordinal: 1 });
    await runtime.stopActor(first);
    await runtime.register('it', runtime.spawn(numbered(2), { name: 'it' }));
    expect(await (await other.lookup(v1.PartitionRuntime, 'it')).describe({})).to.include({ ordinal: 2 });
  });

  it('is not found when its actor has ended, until another has it', async () => {
    const { runtime, cluster } = await start();
    const other = await cluster.start();
    const ref = runtime.spawn(numbered(1), { name: 'it' });
    await runtime.register('it', ref);
    await runtime.stopActor(ref);
    await cluster.pass(cluster.many(500, 100));
    expect(await rejection(other.lookup(v1.PartitionRuntime, 'it', { timeoutMs: 200 }))).to.include({
      code: 'ASK_TIMEOUT',
    });
    const found = other.lookup(v1.PartitionRuntime, 'it');
    await other.register('it', other.spawn(numbered(3)));
    expect(await (await found).describe({})).to.include({ ordinal: 3 });
  });

  it('that nobody has is named with its service when a lookup is over', async () => {
    const { runtime } = await start();
    const error = await rejection(runtime.lookup(v1.PartitionRuntime, 'nothing', { timeoutMs: 1_200 }));
    expect(error).to.be.instanceOf(AskTimeoutError);
    expect(error)
      .to.have.property('message')
      .that.contains(
        'nobody registered an actor of millrace.v1.PartitionRuntime under the name "nothing" within 1200 ms',
      );
  });

  it('of an actor that has ended before it was entered is given back, too', async () => {
    const { runtime, cluster } = await start();
    const ref = runtime.spawn(numbered(1));
    const entered = runtime.register('it', ref);
    await runtime.stopActor(ref);
    await entered;
    await cluster.pass(cluster.many(500, 100));
    await runtime.register('it', runtime.spawn(numbered(2)));
    expect(await (await runtime.lookup(v1.PartitionRuntime, 'it')).describe({})).to.include({ ordinal: 2 });
  });

  it('that is refused is a problem of the process, until its actor has it or ends', async () => {
    const { runtime, cluster } = await start();
    const other = await cluster.start();
    await other.register('it', other.spawn(numbered(1)));
    const refused = runtime.spawn(numbered(2), { name: 'it', register: true });
    await until(() => !runtime.health().isReady);
    expect(runtime.health().isAlive).to.equal(true);
    expect(runtime.health().problems).to.have.length(1);
    expect(runtime.health().problems[0])
      .to.match(
        /^The name "it" is not registered .* is taken by the actor \S+\/PartitionRuntime-1 of millrace\.v1\.PartitionRuntime, /,
      )
      .and.include(`in process "${other.name}" of node "${other.node}"`);
    await runtime.stopActor(refused);
    await until(() => runtime.health().isReady);

    const waiting = runtime.spawn(numbered(3), { name: 'it', register: true });
    await until(() => !runtime.health().isReady);
    await other.stop();
    await runtime.register('it', waiting);
    expect(runtime.health().problems).to.deep.equal([]);
    await runtime.stopActor(waiting);
  });

  it('is waited for no longer than its caller wants, and is given back when it comes too late', async () => {
    const { cluster, control, runtime } = await start();
    const over = new AbortController();
    const lookups = [
      rejection(runtime.lookup(v1.PartitionRuntime, 'nobody', { signal: over.signal, timeoutMs: 60_000 })),
      rejection(runtime.lookup(v1.PartitionRuntime, 'nobody', { timeoutMs: 20 })),
    ];
    over.abort('enough');
    const [aborted, late] = await Promise.all(lookups);
    expect(aborted).to.be.instanceOf(AskAbortedError).with.property('cause', 'enough');
    expect(late).to.be.instanceOf(AskTimeoutError);
    const ref = runtime.spawn(numbered(1));
    const registered = rejection(runtime.register('slow', ref, { signal: over.signal }));
    expect(await registered).to.be.instanceOf(AskAbortedError);
    const next = new AbortController();
    const begun = rejection(runtime.register('slow', ref, { signal: next.signal }));
    next.abort();
    expect(await begun).to.be.instanceOf(AskAbortedError);
    const other = control.spawn(numbered(2));
    let isFree = false;
    for (let tries = 0; tries < 1_000 && !isFree; tries++) {
      isFree = await control.register('slow', other).then(
        () => true,
        () => false,
      );
      if (!isFree) await cluster.pass(10);
    }
    expect(isFree).to.equal(true);
    expect(await rejection(runtime.register('it', ref, { timeoutMs: 0 }))).to.be.instanceOf(ConfigError);
  });

  it('stays with an actor that lives, whatever is unregistered', async () => {
    const { runtime } = await start();
    const [one, other] = [runtime.spawn(numbered(1)), runtime.spawn(numbered(2))];
    await runtime.register('it', one);
    expect(await rejection(runtime.register('it', other))).to.be.instanceOf(ConfigError);
    const unknown = await rejection(runtime.unregister('it', other));
    expect(unknown)
      .to.be.instanceOf(ConfigError)
      .with.property('message')
      .that.includes('"it"')
      .and.includes(String(other));
    await runtime.stopActor(other);
    await runtime.unregister('it', other);
    expect(await (await runtime.lookup(v1.PartitionRuntime, 'it')).describe({})).to.include({ ordinal: 1 });
    await runtime.unregister('it', one);
    await runtime.register('it', runtime.spawn(numbered(3)));
    await runtime.stopActor(one);
    expect(await (await runtime.lookup(v1.PartitionRuntime, 'it')).describe({})).to.include({ ordinal: 3 });
  });

  it('that a spawn asks for is reported to who spawns', async () => {
    const { runtime, cluster } = await start();
    const other = await cluster.start();
    const first = runtime.spawn(numbered(1), { name: 'it', register: true });
    await runtime.whenRegistered(first);
    const second = other.spawn(numbered(2), { name: 'it', register: true });
    expect(await rejection(other.whenRegistered(second))).to.be.instanceOf(ConfigError);
    const silent = other.spawn(numbered(3));
    expect(await rejection(other.whenRegistered(silent))).to.be.instanceOf(ConfigError);
  });

  it('goes to the first that stands by when its holder ends, gives it up, or is lost with its process', async () => {
    const { runtime, cluster } = await start();
    const [second, third] = [await cluster.start(), await cluster.start()];
    const seen: (number | undefined)[] = [];
    const numberOf = async () => (await (await runtime.lookup(v1.PartitionRuntime, 'it')).describe({})).ordinal;
    const holders: unknown[] = [];
    const unwatch = await runtime.watchName(v1.PartitionRuntime, 'it', (holder) => holders.push(holder?.toRef().cUid));
    expect(holders).to.deep.equal([undefined]);
    const refs = [runtime, second, third, runtime].map((each, index) => ({
      runtime: each,
      ref: each.spawn(numbered(index)),
    }));
    for (const { runtime: each, ref } of refs) await each.register('it', ref, { standby: true });
    // To stand by twice is to stand by once.
    for (const { runtime: each, ref } of refs) await each.register('it', ref, { standby: true });
    const late = runtime.spawn(numbered(9));
    expect(await rejection(runtime.register('it', late))).to.be.instanceOf(ConfigError);
    const [one, two, , four] = refs;
    if (one === undefined || two === undefined || four === undefined) throw new Error('four were made');
    seen.push(await numberOf());
    await runtime.stopActor(one.ref);
    await until(() => holders.length === 3);
    seen.push(await numberOf());
    await second.unregister('it', two.ref);
    await until(() => holders.length === 4);
    seen.push(await numberOf());
    await third.stop();
    await until(() => holders.length === 5);
    seen.push(await numberOf());
    expect(seen).to.deep.equal([0, 1, 2, 3]);
    await runtime.unregister('it', four.ref);
    await until(() => holders.length === 6);
    expect(holders).to.deep.equal([undefined, ...refs.map(({ ref }) => ref.toRef().cUid), undefined]);
    unwatch();
    await runtime.register('it', late);
    expect(await numberOf()).to.equal(9);
    expect(holders).to.have.length(6);
  });

  it('is followed by its changes, also by who begins late, and not by a listener that throws', async () => {
    const { runtime, cluster } = await start();
    const other = await cluster.start();
    const ref = other.spawn(numbered(4));
    await other.register('it', ref);
    const answers: unknown[] = [];
    await runtime.watchName(v1.PartitionRuntime, 'it', () => {
      throw new Error('it is not handled');
    });
    await runtime.watchName(v1.PartitionRuntime, 'it', (holder) => {
      answers.push(holder === undefined ? undefined : holder.describe({}));
    });
    expect(await Promise.all(answers)).to.have.length(1);
    expect(await answers[0]).to.include({ ordinal: 4 });
    await other.stop();
    await until(() => answers.length === 2);
    expect(answers[1]).to.equal(undefined);
    const untyped = (value: unknown): never => value as never;
    expect(await rejection(runtime.watchName(v1.PartitionRuntime, 'it', untyped(5)))).to.be.instanceOf(ConfigError);
    expect(await rejection(runtime.register('it', ref, { group: true, standby: true }))).to.be.instanceOf(ConfigError);
  });
});

describeRuntime({ title: 'a reference that a message carries', linked: true }, (start) => {
  it('is used outside of actors', async () => {
    const { runtime, cluster } = await start();
    const other = await cluster.start();
    const carried = other.spawn(numbered(5)).toRef();
    expect(await runtime.ref(v1.PartitionRuntime, carried).describe({})).to.include({ ordinal: 5 });
    expect(() => runtime.ref(v1.Spawner, { cUid: carried.cUid, service: carried.service })).to.throw(ProtocolError);
    const untyped = (value: unknown): never => value as never;
    for (const wrong of [undefined, {}, 5, runtime.spawn(numbered(6))]) {
      expect(() => runtime.ref(v1.PartitionRuntime, untyped(wrong))).to.throw(
        wrong === undefined ? ProtocolError : ConfigError,
        'toRef()',
      );
    }
  });
});
