import { expect } from 'chai';
import { StoppedError } from '#src/errors.js';
import { v1 } from '#src/protocol/index.js';
import { SimulatedRun } from './simulated-run.js';

const UP = ['backends', 'node-indices', 'channels', 'transports', 'global-services', 'welcome'];
const DOWN = [
  'halt-application',
  'halt-global-services',
  'halt-transports',
  'halt-shepherds',
  'halt-backends',
  'halt-launcher',
];

describe('the roles of a run, on virtual time', () => {
  const runs: SimulatedRun[] = [];

  function newRun(options: ConstructorParameters<typeof SimulatedRun>[0]): SimulatedRun {
    const run = new SimulatedRun(options);
    runs.push(run);
    return run;
  }

  afterEach(async () => {
    for (const run of runs.splice(0)) await run.close();
  });

  for (const nodes of [1, 3, 40]) {
    it(`come up and go down in the order of the steps, with ${nodes} nodes`, async () => {
      const run = newRun({ nodes });
      const launcher = await run.open();
      await launcher.up();
      expect(run.events.map(({ step }) => step)).to.deep.equal(UP);
      expect(run.alive.size).to.equal(nodes + 1);
      expect(await launcher.down()).to.deep.equal([]);
      expect(run.events.map(({ step }) => step)).to.deep.equal([...UP, ...DOWN]);
      expect([...run.alive]).to.deep.equal([]);
    });
  }

  it('say to the launcher which machine each node has', async () => {
    const launcher = await newRun({ nodes: 3 }).open();
    expect(launcher.topologies().map(({ topology }) => topology)).to.deep.equal([undefined, undefined, undefined]);
    await launcher.up();
    expect(launcher.topologies().map(({ node, topology }) => [node, topology?.text])).to.deep.equal([
      ['node-0', 'machine of node 0'],
      ['node-1', 'machine of node 1'],
      ['node-2', 'machine of node 2'],
    ]);
    await launcher.down();
  });

  it('start a process by its node, forward what it writes, and say how it ended', async () => {
    const run = newRun({ nodes: 3 });
    const launcher = await run.open();
    await launcher.up();
    const services = launcher.globalServices;
    if (services === undefined) throw new Error('The run is not up.');
    const process = v1.ProcessToStart.create({ module: 'file:///head.js' });
    const created = await services.create({ kind: v1.ResourceKind.PROCESS, name: 'head', node: 2, process });
    expect(created).to.include({ id: 2n ** 32n, name: 'head', node: 2, state: v1.ProcessState.ALIVE });
    const [started] = run.processes;
    await started?.write('hello');
    expect(run.output).to.deep.equal(['node-2 head: hello']);
    const joined = services.join({ kind: v1.ResourceKind.PROCESS, which: { case: 'name', value: 'head' } });
    started?.exit(3);
    expect((await joined).exit).to.include({ code: 3 });
    expect(await launcher.down()).to.deep.equal([]);
    expect([...run.alive]).to.deep.equal([]);
  });

  it('have whatever host ids: of all bits, and from each end of the bands that they are reduced to', async () => {
    const hostIds = [0xffffffff800a0500n, 0n, 2n ** 60n - 1n, 2n ** 63n + 7n];
    const run = newRun({ nodes: hostIds.length, hostIds });
    const launcher = await run.open();
    await launcher.up();
    for (const node of hostIds.keys()) {
      const process = v1.ProcessToStart.create({ module: 'file:///any.js' });
      const request = { kind: v1.ResourceKind.PROCESS, name: `on-${node}`, node, process };
      const { id } = await launcher.services.ask((services) => services.create(request));
      const byId = { kind: v1.ResourceKind.PROCESS, which: { case: 'id', value: id } } as const;
      expect(await launcher.services.ask((services) => services.query(byId))).to.include({
        id,
        name: `on-${node}`,
        node,
      });
      const record = v1.LogRecord.create({ level: 'error', message: `written on ${node}` });
      run.logging(node).write({ records: [record] });
      await run.logging(node).flush({});
    }
    expect(run.records).to.deep.equal([...hostIds.keys()].map((node) => `node-${node}: written on ${node}`));
    expect(await launcher.down()).to.deep.equal([]);
  });

  it('refuse two host ids that lead to one channel, and name both holders', async () => {
    const run = newRun({ nodes: 2, hostIds: [7n, 2n ** 60n + 7n] });
    const launcher = await run.open();
    const error = await launcher.up().catch((refused: unknown) => refused);
    expect(String(error)).to.match(/ConfigError: The channel id \d+ of .*frontend-1 is taken by .*frontend-0/);
    await launcher.down();
  });

  for (let afterMs = 0; afterMs <= 18; afterMs += 1) {
    it(`are torn down after ${afterMs} ms: nothing more is brought up, and nothing is left`, async () => {
      const run = newRun({ nodes: 3 });
      const launcher = await run.open();
      const up = launcher.up().then(
        () => undefined,
        (error: unknown) => error,
      );
      await new Promise<void>((resolve) => void run.scheduler.setTimer(afterMs, resolve));
      const before = run.events.length;
      expect(await launcher.down()).to.deep.equal([]);
      const error = await up;
      if (before < UP.length) expect(error).to.be.instanceOf(StoppedError);
      else expect(error).to.equal(undefined);
      const later = run.events.slice(before).map(({ step }) => step);
      expect(later.filter((step) => UP.includes(step))).to.deep.equal([]);
      expect([...run.alive]).to.deep.equal([]);
      const head = launcher.step(v1.Step.HEAD, () => Promise.resolve());
      expect(await head.catch((error: unknown) => error)).to.be.instanceOf(StoppedError);
    });
  }
});
