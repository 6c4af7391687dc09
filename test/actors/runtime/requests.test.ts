import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Executor, type NetOptions, type Runtime } from '#src/actors/runtime/index.js';
import { AskAbortedError, MillraceError, StoppedError, UnreachableError } from '#src/errors.js';
import { upTo } from '../../support/numbers.js';
import { readAll } from '../../support/read-all.js';
import { rejection } from '../../support/rejection.js';
import { numbersBelow, silentAfter } from '../../support/sources.js';
import { eventually } from '../../support/until.js';
import { describeWithUcx } from '../../transport/ucx/available.js';
import { Depot } from '../transport/errands.js';
import { depot } from '../transport/partitions.js';
import { describeLinked, until } from './harness.js';
import { placedDepot } from './placing/depot.js';

const long = { timeoutMs: 600_000 };

/** Loads and talks over `ref`, a lot and a little, at a time. */
async function work(ref: Parameters<typeof exchange>[0]): Promise<void> {
  await Promise.all([0, 1, 40, 300].map(async (count) => exchange(ref, count)));
}

async function exchange(ref: Awaited<ReturnType<typeof lookup>>, count: number): Promise<void> {
  expect((await ref.load(numbersBelow(count), long)).value).to.equal(
    upTo(count).reduce((sum, value) => sum + value, 0),
  );
  const { values } = await readAll(ref.chat(numbersBelow(count), long));
  expect(values).to.deep.equal(upTo(count).map((value) => value * 2));
}

function lookup(runtime: Runtime) {
  return runtime.lookup(Depot, 'depot');
}

describeLinked('streams of requests between processes', (newCluster) => {
  async function setUp(made = depot()) {
    const cluster = newCluster();
    const [first, second, third] = [await cluster.start(), await cluster.start(), await cluster.start()];
    second.spawn(made, { name: 'depot', register: true });
    return { cluster, runtimes: [first, second, third], first, second, third };
  }

  it('are read through a name that was looked up, from any of them', async () => {
    const { runtimes } = await setUp();
    for (const runtime of runtimes) await work(await lookup(runtime));
  });

  it('are read by an actor that was placed on a thread or in a process', async () => {
    const runtime = await newCluster().start({ system: { partitions: 2 } });
    const [, second = 0] = runtime.ordinals;
    const ref = await runtime.place(placedDepot, { on: { partition: second } });
    await work(ref);
    const [load, chat] = [silentAfter(1), silentAfter(1)];
    const loaded = rejection(ref.load(load.numbers, long));
    const said = readAll(ref.chat(chat.numbers, long));
    await until(() => load.asked === 2 && chat.asked === 2);
    expect((await ref.run({ value: 7 })).value).to.equal(7);
    await runtime.stopActor(ref);
    expect(await loaded).to.be.instanceOf(StoppedError);
    expect((await said).error).to.be.instanceOf(StoppedError);
    await until(() => load.closed === 1 && chat.closed === 1);
  });

  it('end at both ends when the process of the caller crashes, and when that of the actor does', async () => {
    const ends: unknown[] = [];
    const { cluster, first, second, third } = await setUp(
      depot({
        load: async (_state, requests) => {
          ends.push((await readAll(requests)).error);
          return {};
        },
      }),
    );
    const [here, there] = [silentAfter(1), silentAfter(1)];
    const lost = rejection((await lookup(first)).load(here.numbers, long));
    const left = rejection((await lookup(third)).load(there.numbers, long));
    await until(() => here.asked === 2 && there.asked === 2);
    cluster.executor.crash(third.node);
    await until(() => ends.length === 1);
    expect(ends[0]).to.be.instanceOf(UnreachableError);
    expect(await left).to.be.instanceOf(MillraceError);
    cluster.executor.crash(second.node);
    expect(await lost).to.be.instanceOf(UnreachableError);
    await until(() => here.closed === 1 && there.closed === 1);
  });

  it('are finished by a runtime that drains, and end with its signal or its deadline', async () => {
    const { first, second } = await setUp();
    const ref = await lookup(first);
    let go: (() => void) | undefined;
    const source = numbersBelow(3, (value) => value === 2 && new Promise<void>((resolve) => (go = resolve)));
    const loaded = ref.load(source, long);
    await until(() => go !== undefined);
    const aborted = rejection(ref.load(silentAfter(1).numbers, { ...long, signal: second.draining }));
    const stopped = second.stop({ drainTimeoutMs: 60_000 });
    await until(() => second.health().phase === 'draining');
    go?.();
    expect(await loaded).to.include({ value: 3 });
    expect(await aborted).to.be.instanceOf(AskAbortedError);
    expect(await stopped).to.include({ isDrained: true });
  });

  it('are cut off by a runtime that stops, at both ends', async () => {
    const { first, second } = await setUp();
    const ref = await lookup(first);
    const source = silentAfter(1);
    const chat = silentAfter(1);
    const loaded = rejection(ref.load(source.numbers, long));
    const said = readAll(ref.chat(chat.numbers, long));
    await until(() => source.asked === 2 && chat.asked === 2);
    expect(first.metrics().openStreams).to.be.at.least(3);
    const report = await second.stop({ drainTimeoutMs: 50 });
    expect(report.isDrained).to.equal(false);
    for (const error of [await loaded, (await said).error]) {
      expect(error instanceof StoppedError || error instanceof UnreachableError, String(error)).to.equal(true);
    }
    await until(() => source.closed === 1 && chat.closed === 1 && first.metrics().openStreams === 0);
  });
});

/** Two programs of one process: between them there is nothing but their links. */
describe('streams of requests over links of each kind', function () {
  this.timeout(120_000);
  const executors: Executor[] = [];
  const folders: string[] = [];

  afterEach(async () => {
    for (const executor of executors.splice(0).toReversed()) await executor.stop();
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });

  function declare(name: string, net: NetOptions): void {
    it(`are read and answered over ${name}`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
      folders.push(folder);
      const program = (): Executor => new Executor({ net: { socketFolder: folder, ...net } });
      const [server, client] = [program(), program()];
      executors.push(server, client);
      const first = await server.start({ node: 'node-0' });
      const second = await client.start({ node: 'node-1', controlPlane: first.controlPlane });
      first.spawn(depot(), { name: 'depot', register: true });
      await work(await lookup(second));
      const source = silentAfter(5);
      const talk = (await lookup(second)).chat(source.numbers, long);
      for (const value of upTo(5)) expect((await talk.next()).value).to.include({ value: value * 2 });
      await talk.return();
      await eventually(() => source.closed === 1 && first.metrics().openStreams === 0);
    });
  }

  declare('unix sockets', { ucx: 'off' });
  declare('tcp', { ucx: 'off', listen: 'tcp://127.0.0.1:0', keyless: 'loopback' });
  describeWithUcx('of shared memory', () => declare('UCX', { ucx: 'required' }));
});
