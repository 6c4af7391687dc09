import { expect } from 'chai';
import { AskTimeoutError, ConfigError } from '#src/errors.js';
import { v1 } from '#src/protocol/index.js';
import { behavior } from '#src/actors/kernel/index.js';
import { rejection } from '../../support/rejection.js';
import { describeRuntime, until } from './harness.js';

const numbered = (ordinal: number) =>
  behavior(v1.PartitionRuntime, { supervision: 'stop', describe: () => ({ ordinal }) });

describeRuntime('a registered name', (start) => {
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
    expect(runtime.health().problems[0]).to.match(/^The name "it" is not registered .* is taken by /);
    await runtime.stopActor(refused);
    await until(() => runtime.health().isReady);

    const waiting = runtime.spawn(numbered(3), { name: 'it', register: true });
    await until(() => !runtime.health().isReady);
    await other.stop();
    await runtime.register('it', waiting);
    expect(runtime.health().problems).to.deep.equal([]);
    await runtime.stopActor(waiting);
  });

  it('stays with an actor that lives, whatever is unregistered', async () => {
    const { runtime } = await start();
    const [one, other] = [runtime.spawn(numbered(1)), runtime.spawn(numbered(2))];
    await runtime.register('it', one);
    expect(await rejection(runtime.register('it', other))).to.be.instanceOf(ConfigError);
    await runtime.unregister('it', other);
    await runtime.stopActor(other);
    expect(await (await runtime.lookup(v1.PartitionRuntime, 'it')).describe({})).to.include({ ordinal: 1 });
    await runtime.unregister('it', one);
    await runtime.register('it', runtime.spawn(numbered(3)));
    await runtime.stopActor(one);
    expect(await (await runtime.lookup(v1.PartitionRuntime, 'it')).describe({})).to.include({ ordinal: 3 });
  });
});
