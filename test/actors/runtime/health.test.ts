import { expect } from 'chai';
import { gate } from '../../support/deferred.js';
import { errandRunner, Errands } from './errand-runner.js';
import { describeLinked, describeRuntime, until } from './harness.js';

describeRuntime({ title: 'the health of a runtime', linked: true }, (start) => {
  it('says where it is, with whom it is linked, and that nothing is wrong', async () => {
    const { runtime, control } = await start({ system: { partitions: 2 } });
    const health = runtime.health();
    expect(health).to.include({ phase: 'running', isReady: true, isAlive: true });
    expect(health.problems).to.deep.equal([]);
    expect(health.controlPlane).to.deep.equal({
      address: control.controlPlane,
      isServedHere: runtime === control,
      isReachable: true,
    });
    expect(health.partitions.map(({ ordinal }) => ordinal)).to.deep.equal(runtime.ordinals);
    expect(health.partitions[0]).to.include({ segments: 0, queued: 0, fullest: undefined });
    expect(health.links.length).to.be.greaterThan(0);
    for (const link of health.links) {
      expect(link).to.include({ state: 'open', waitingBytes: 0 });
      expect(runtime.ordinals).to.include(link.partition);
    }
  });

  it('is plain data that nobody can change', async () => {
    const { runtime } = await start();
    const health = runtime.health();
    expect(JSON.parse(JSON.stringify(health))).to.deep.include({ phase: 'running', isReady: true });
    expect(() => Object.assign(health, { isReady: false })).to.throw(TypeError);
    expect(() => Object.assign(health.eventLoop.delayMs, { p99: 0 })).to.throw(TypeError);
    expect(() => Object.assign(health.partitions, { 0: undefined })).to.throw(TypeError);
  });

  it('goes with a description whose ids are decimal strings in JSON', async () => {
    const { runtime } = await start();
    const description = runtime.describe();
    expect(description.pUid).to.equal(runtime.pUid);
    expect(JSON.parse(JSON.stringify(description))).to.deep.include({ pUid: String(runtime.pUid), name: runtime.name });
  });

  it('is not ready while a mailbox is too full, and names it', async () => {
    const { runtime } = await start();
    const held = gate();
    const ref = runtime.spawn(errandRunner({ mailbox: { capacity: 8 }, push: () => held.passed }), { name: 'slow' });
    ref.push({});
    await until(() => runtime.health().partitions[0]?.queued === 0);
    for (let count = 0; count < 7; count++) ref.push({});
    const { isReady, isAlive, problems, partitions } = runtime.health();
    expect({ isReady, isAlive }).to.deep.equal({ isReady: false, isAlive: true });
    expect(problems).to.have.length(1);
    expect(problems[0]).to.match(/^The mailbox of .*\/slow holds 7 of 8 messages\.$/);
    expect(partitions[0]?.fullest).to.include({ queued: 7, capacity: 8 });
    held.open();
    await until(() => runtime.health().isReady);
  });

  it('names actors that restart again and again, and those that ended by a failure, until they start again', async () => {
    const { runtime } = await start();
    const fragile = errandRunner({
      supervision: { maxRestarts: 3, backoff: { minMs: 1, maxMs: 1 } },
      push: () => {
        throw new Error('broken');
      },
    });
    const ref = runtime.spawn(fragile, { name: 'fragile' });
    for (let count = 0; count < 3; count++) ref.push({});
    await until(() => !runtime.health().isReady);
    expect(runtime.health().problems).to.have.length(1);
    expect(runtime.health().problems[0]).to.match(/\/fragile restarts again and again \(3 times lately\): broken$/);
    ref.push({});
    await until(() => runtime.health().troubles[0]?.state === 'ended');
    const { isReady, isAlive, problems, troubles } = runtime.health();
    expect({ isReady, isAlive }).to.deep.equal({ isReady: false, isAlive: true });
    expect(problems[0]).to.match(/\/fragile has ended by a failure, and was not started again: broken$/);
    expect(troubles).to.have.length(1);
    runtime.spawn(fragile, { name: 'fragile' });
    expect(runtime.health().isReady).to.equal(true);
  });

  it('has stopped, and is not worth waiting for', async () => {
    const { runtime } = await start();
    await runtime.stop();
    const health = runtime.health();
    expect(health).to.include({ phase: 'stopped', isReady: false, isAlive: false });
    expect(health.problems).to.deep.equal(['The runtime is stopped.']);
    expect(health.links).to.deep.equal([]);
  });

  it('sees a link that is not open yet', async () => {
    const { cluster } = await start();
    const [near, far] = [await cluster.start(), await cluster.start()];
    await far.register('far', far.spawn(errandRunner(), { name: 'far' }));
    const found = await near.lookup(Errands, 'far');
    const answered = found.run({ value: 3 });
    const last = () =>
      near
        .health()
        .links.filter(({ partition }) => partition === near.ordinals[0])
        .at(-1);
    const link = last();
    expect(link).to.include({ state: 'opening', pendingAsks: 1 });
    expect(link?.waitingBytes).to.be.greaterThan(0);
    expect(await answered).to.include({ value: 3 });
    expect(last()).to.deep.include({ state: 'open', pendingAsks: 0, waitingBytes: 0 });
  });
});

describeLinked('the health of a runtime that is cut off', (newCluster) => {
  it('is not ready, but alive: it goes on without the control plane', async () => {
    const cluster = newCluster();
    const control = await cluster.start();
    const runtime = await cluster.start();
    cluster.executor.crash(control.node);
    await until(() => !runtime.isConnected);
    const health = runtime.health();
    expect(health).to.include({ phase: 'running', isReady: false, isAlive: true });
    expect(health.controlPlane.isReachable).to.equal(false);
    expect(health.problems).to.have.length(1);
    const shown = control.controlPlane.split(' ').filter((word) => !word.startsWith('local:'));
    expect(health.problems[0]).to.include(`The control plane at ${shown.join(' ')} cannot be reached`);
    await until(() => control.health().phase === 'stopped');
  });
});
