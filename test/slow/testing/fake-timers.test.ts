import { mock } from 'node:test';
import { expect } from 'chai';
import { behavior, Runtime } from '#src/index.js';
import { v1 } from '#src/protocol/index.js';
import { virtualCluster } from '#src/testing/index.js';
import { rejection } from '../../support/rejection.js';

const described = behavior(v1.PartitionRuntime, { describe: () => ({ ordinal: 7 }) });
const silent = behavior(v1.PartitionRuntime, { describe: () => new Promise(() => {}) });

describe('under fake timers', () => {
  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] });
    mock.method(performance, 'now', () => 0);
    mock.method(globalThis, 'queueMicrotask', () => {});
  });

  afterEach(() => {
    mock.timers.reset();
    mock.restoreAll();
  });

  it('a virtual cluster answers, and its time passes', async () => {
    const cluster = await virtualCluster();
    const [runtime] = cluster.runtimes;
    expect(await runtime?.spawn(described).describe({})).to.include({ ordinal: 7 });
    await cluster.pass(60_000);
    expect(cluster.scheduler.now()).to.be.at.least(60_000);
    await cluster.stop();
  });

  it('a runtime starts, answers, keeps its deadlines and stops', async () => {
    const runtime = await Runtime.start({ logLevel: 'silent' });
    expect(await runtime.spawn(described).describe({})).to.include({ ordinal: 7 });
    const late = runtime.spawn(silent).describe({}, { timeoutMs: 20 });
    expect(await rejection(late)).to.include({ code: 'ASK_TIMEOUT' });
    await runtime.stop();
  });
});
