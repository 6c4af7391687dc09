import { expect } from 'chai';
import { behavior } from '#src/actors/kernel/index.js';
import { Executor } from '#src/actors/runtime/index.js';
import { ConfigError, UnreachableError } from '#src/errors.js';
import { v1 } from '#src/protocol/index.js';

const SEED = 11;

describe(`a node that crashes and comes back (seed ${SEED})`, () => {
  it('joins afresh, with new ids, and its names are free again', async () => {
    const executor = new Executor({ seed: SEED, latencyMs: 1 });
    const first = await executor.start({ node: 'node-0' });
    const other = { node: 'node-1', controlPlane: first.controlPlane };
    const before = await executor.start(other);
    before.spawn(described(1), { name: 'who', register: true });
    const old = await first.lookup(v1.PartitionRuntime, 'who');

    executor.crash('node-1');
    const lost = await old.describe({}).catch((error: unknown) => error);
    expect(lost).to.be.instanceOf(UnreachableError);
    expect(() => executor.restart('node-0')).to.throw(ConfigError);

    executor.restart('node-1');
    const after = await executor.start(other);
    after.spawn(described(2), { name: 'who', register: true });
    const found = await first.lookup(v1.PartitionRuntime, 'who');
    expect(await found.describe({})).to.include({ ordinal: 2 });
    expect(after.pUid).to.not.equal(before.pUid);
    expect(await old.describe({}).catch((error: unknown) => error)).to.be.instanceOf(UnreachableError);

    await executor.stop();
    expect(executor.scheduler.pendingTimers).to.equal(0);
    expect(executor.network.statistics).to.include({ processes: 0, openLinks: 0, framesInFlight: 0 });
  });
});

function described(ordinal: number) {
  return behavior(v1.PartitionRuntime, { describe: () => ({ ordinal }) });
}
