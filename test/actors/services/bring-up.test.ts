import { expect } from 'chai';
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
});
