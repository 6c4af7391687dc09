import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Executor, netSettings, Runtime } from '#src/actors/runtime/index.js';
import { ConfigError, UnreachableError } from '#src/errors.js';
import { silentLogger } from '#src/logging/index.js';
import { v1 } from '#src/protocol/index.js';
import { type OptionValues, resolveOptions } from '#src/options/index.js';
import { Errands } from '../transport/errands.js';
import { errands } from '../transport/partitions.js';
import { sorted, upTo } from '../../support/numbers.js';
import { overwhelm, pass } from '../../support/offered-load.js';
import { rejection } from '../../support/rejection.js';
import { eventually } from '../../support/until.js';
import { describeHosted, startFlow, until } from './harness.js';
import flow from './pipelines/flow.js';

/** Two programs of one process: between them there is nothing but sockets. */
describe('runtimes that meet over sockets', () => {
  let folder: string;
  let executors: Executor[];
  const program = (): Executor => {
    const executor = new Executor({ net: { socketFolder: folder } });
    executors.push(executor);
    return executor;
  };

  beforeEach(() => {
    executors = [];
    folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  });
  afterEach(async () => {
    for (const executor of executors.toReversed()) await executor.stop();
    for (const { scheduler, started } of executors) {
      expect(scheduler.pendingTimers).to.equal(0);
      for (const { leftovers } of started) expect(leftovers.links).to.equal(0);
    }
    expect(readdirSync(folder)).to.deep.equal([]);
    rmSync(folder, { recursive: true });
  });

  it('answer some and refuse the others when they are asked for more than they can do in time', async () => {
    const [server, client] = [program(), program()];
    const first = await server.start({ node: 'node-0' });
    const second = await client.start({ node: 'node-1', controlPlane: first.controlPlane });
    const run = async (_state: undefined, errand: { value: number; load: Uint8Array }) => {
      await pass(server.scheduler, 10);
      return errand;
    };
    first.spawn(errands({ run }), { name: 'busy', register: true });
    const ref = await second.lookup(Errands, 'busy');
    for (let value = 0; value < 5; value++) await ref.run({ value });
    const codes = await overwhelm((options) => ref.run({}, options));
    expect([...codes]).to.include('BACKPRESSURE');
    for (const code of codes) expect(code).to.be.oneOf(['BACKPRESSURE', 'ASK_ABORTED', 'ASK_TIMEOUT']);
  });

  it('run a pipeline together, several partitions each', async () => {
    const first = await program().start({ node: 'node-0', system: { partitions: 2 } });
    const second = await program().start({
      node: 'node-1',
      controlPlane: first.controlPlane,
      system: { partitions: 2 },
    });
    const { run, board } = await startFlow(second, flow, { count: 5_000, stages: 4, sinks: 2 });
    await run.done;
    expect(sorted(board.sunk.map(({ id }) => id))).to.deep.equal(upTo(5_000));
    const ordinals = new Set([...board.places.values()].flat());
    expect(sorted(ordinals)).to.deep.equal(sorted([...first.ordinals, ...second.ordinals]));
  });

  it('learn at once that a process of another program has crashed', async () => {
    const [here, there] = [program(), program()];
    const first = await here.start({ node: 'node-0' });
    const second = await there.start({ node: 'node-1', controlPlane: first.controlPlane });
    second.spawn(errands({ run: () => new Promise(() => {}) as never }), { name: 'errands', register: true });
    const ref = await first.lookup(Errands, 'errands');
    const pending = rejection(ref.run({ value: 1 }, { timeoutMs: 8_000 }));
    await new Promise((resolve) => setImmediate(resolve));
    there.crash('node-1');
    expect(await pending).to.be.instanceOf(UnreachableError);
    await until(() => second.isStopping);
  });

  it('are refused on virtual time', () => {
    expect(() => new Executor({ seed: 7, net: {} })).to.throw(ConfigError, 'Virtual time');
  });

  it('take the options of links from files and variables', async () => {
    const settings = (code: Partial<OptionValues>) => netSettings(resolveOptions({ code }).values);
    expect(await settings({})).to.equal(undefined);
    const ucx = await settings({ listen: 'unix:', ucx: 'off', ucxInterfaces: 'eth0,lo' });
    expect(ucx)
      .to.include({ ucx: 'off' })
      .and.deep.include({ ucxInterfaces: ['eth0', 'lo'] });
    expect(await settings({ listen: 'tcp://0.0.0.0:7', advertisedHost: 'a' })).to.deep.equal({
      keyless: 'unix',
      ucx: 'auto',
      listen: 'tcp://0.0.0.0:7',
      advertisedHost: 'a',
    });
    expect((await settings({ controlPlane: 'unix:/x#1' }))?.listen).to.equal('unix:');
    expect((await settings({ controlPlane: 'local:1!memory://a/b/0 tcp://127.0.0.1:7#1' }))?.listen).to.equal(
      'tcp://127.0.0.1:0',
    );
    const further = await rejection(settings({ controlPlane: 'tcp://10.0.0.1:7' }));
    expect(further).to.be.instanceOf(ConfigError).with.property('message').that.includes('set the option listen');
  });

  it('say what is missing before anything is let in', async () => {
    const start = Runtime.start({ listen: 'tcp://127.0.0.1:0', log: silentLogger });
    expect(await rejection(start))
      .to.be.instanceOf(ConfigError)
      .with.property('message')
      .that.matches(/cluster key/);
  });
});

describeHosted('programs that meet over sockets', (newCluster) => {
  it('run a pipeline together, several partitions each', async () => {
    const [one, other] = [newCluster(), newCluster()];
    const first = await one.start({ node: 'node-0' });
    const second = await other.start({ node: 'node-1', controlPlane: first.controlPlane });
    const { run, board } = await startFlow(second, flow, { count: 500, stages: 4, sinks: 2 });
    await run.done;
    expect(sorted(board.sunk.map(({ id }) => id))).to.deep.equal(upTo(500));
    const ordinals = new Set([...board.places.values()].flat());
    expect(sorted(ordinals)).to.deep.equal(sorted([...first.ordinals, ...second.ordinals]));
    await second.stop();
  });

  it('learn at once that a process of another program has crashed', async () => {
    const [one, other] = [newCluster(), newCluster()];
    const first = await one.start({ node: 'node-0' });
    const second = await other.start({ node: 'node-1', controlPlane: first.controlPlane });
    const [, gone = 0] = second.ordinals;
    const manager = await first.lookup(v1.SegmentsManager, `millrace/segments-manager/${gone}`);
    expect((await manager.describe({})).segments).to.deep.equal([]);
    other.executor.crash('node-1');
    // A thread is told to end, and may answer until it has come to that.
    let failure: unknown;
    const fails = async (): Promise<boolean> => {
      failure = await manager.describe({}, { timeoutMs: 8_000 }).then(
        () => undefined,
        (error: unknown) => error,
      );
      return failure !== undefined;
    };
    await eventually(fails);
    expect(failure).to.be.instanceOf(UnreachableError);
    await until(() => second.isStopping);
  });
});
