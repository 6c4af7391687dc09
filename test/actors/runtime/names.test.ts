import { expect } from 'chai';
import { ConfigError } from '#src/errors.js';
import { v1 } from '#src/protocol/index.js';
import { behavior } from '#src/actors/kernel/index.js';
import { rejection } from '../../support/rejection.js';
import { describeRuntime } from './harness.js';

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
