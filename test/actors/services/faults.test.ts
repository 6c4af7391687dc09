import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { steps } from '#src/actors/services/index.js';
import { v1 } from '#src/protocol/index.js';
import { millraceRejection as rejection } from '../../support/rejection.js';
import { SimulatedRun } from './simulated-run.js';

const ACTIONS = ['kill', 'delay', 'fail', 'garbage', 'twice'] as const;
/** Steps that are orders to nodes. */
const UP = ['node-indices', 'channels', 'transports', 'global-services', 'welcome'];
const DOWN = ['halt-global-services', 'halt-transports', 'halt-shepherds', 'halt-backends'];

describe('the fault points of a run', function () {
  this.timeout(180_000);
  const runs: SimulatedRun[] = [];

  function newRun(faults: string, nodes = 3): SimulatedRun {
    const run = new SimulatedRun({ nodes, faults });
    runs.push(run);
    return run;
  }

  afterEach(async () => {
    for (const run of runs.splice(0)) await run.close();
  });

  for (const step of UP) {
    for (const action of ACTIONS) {
      const outcome = action === 'twice' ? 'come up' : 'fail with the step and the node, and leave nothing';
      it(`${step}:${action}@1: ${outcome}`, async () => {
        const run = newRun(`${step}:${action}@1`);
        const launcher = await run.open();
        if (action === 'twice') await launcher.up();
        else {
          const error = await rejection(launcher.up());
          expect(error.message)
            .to.include(step)
            .and.to.match(/node 1\b/);
        }
        await launcher.down();
        expect([...run.alive]).to.deep.equal([]);
      });
    }
  }

  for (const step of DOWN) {
    for (const action of ACTIONS) {
      const outcome = action === 'twice' ? 'go down in order' : 'say what was not done in order, and leave nothing';
      it(`${step}:${action}@1: ${outcome}`, async () => {
        const run = newRun(`${step}:${action}@1`);
        const launcher = await run.open();
        await launcher.up();
        const problems = await launcher.down();
        expect(problems.length > 0, problems.join('; ')).to.equal(action !== 'twice');
        expect([...run.alive]).to.deep.equal([]);
      });
    }
  }

  /** Steps that the launcher does itself: how a test does each. */
  const own: readonly { readonly step: string; readonly isUp: boolean; readonly nodes: number }[] = [
    { step: 'backends', isUp: true, nodes: 3 },
    { step: 'workers', isUp: true, nodes: 3 },
    { step: 'head', isUp: true, nodes: 1 },
    { step: 'halt-application', isUp: false, nodes: 3 },
    { step: 'halt-launcher', isUp: false, nodes: 3 },
  ];
  for (const { step, isUp, nodes } of own) {
    for (const action of ACTIONS) {
      const outcome =
        action === 'twice' ? 'change nothing' : `${isUp ? 'fail the bring-up' : 'be said'}, and leave nothing`;
      it(`${step}:${action} of the launcher: ${outcome}`, async () => {
        const run = newRun(`${step}:${action}`, nodes);
        const launcher = await run.open();
        const work = async (): Promise<void> => {
          await launcher.up();
          await launcher.step(v1.Step.WORKERS, () => Promise.resolve());
          await launcher.step(v1.Step.HEAD, () => Promise.resolve());
        };
        const isDone = action === 'twice' || !isUp;
        if (isDone) await work();
        else if (action === 'kill') void work().catch(() => {});
        else expect((await rejection(work())).message).to.include(step);
        // Who is killed tears nothing down: its nodes notice.
        const problems = action === 'kill' ? [] : await launcher.down();
        if (action === 'kill' && !isUp) void launcher.down();
        await endOfAll(run);
        if (action !== 'kill') expect(problems.length > 0, problems.join()).to.equal(action !== 'twice' && !isUp);
      });
    }
  }

  /** Resolves when no process of the run is alive. Rejects after ten minutes of virtual time. */
  async function endOfAll(run: SimulatedRun): Promise<void> {
    for (let seconds = 0; run.alive.size > 0 && seconds < 600; seconds++) {
      await new Promise<void>((resolve) => void run.scheduler.setTimer(1_000, resolve));
    }
    expect([...run.alive]).to.deep.equal([]);
  }

  it('are named in the documentation, each with its step', () => {
    const page = readFileSync('docs/cli.md', 'utf8');
    for (const { name, waitsFor } of steps) expect(page).to.include(`| \`${name}\` | ${waitsFor} |`);
    for (const action of ACTIONS) expect(page).to.include(`| \`${action}\` |`);
  });

  it('a second signal ends each step of the teardown within a second', async () => {
    const run = newRun('halt-transports:delay@2');
    const launcher = await run.open();
    await launcher.up();
    const startedMs = run.scheduler.now();
    const down = launcher.down();
    launcher.hurry();
    expect((await down).length).to.be.greaterThan(0);
    expect(run.scheduler.now() - startedMs).to.be.lessThan(10_000);
    expect([...run.alive]).to.deep.equal([]);
  });

  it('a process that ignores SIGTERM is killed', async () => {
    const run = newRun('');
    run.isDeaf = true;
    const launcher = await run.open();
    await launcher.up();
    const process = v1.ProcessToStart.create({ module: 'file:///deaf.js' });
    await launcher.globalServices?.create({ kind: v1.ResourceKind.PROCESS, name: 'deaf', process });
    expect(run.alive.has('deaf@0')).to.equal(true);
    expect(await launcher.down()).to.deep.equal([]);
    expect([...run.alive]).to.deep.equal([]);
  });

  it('a node of another version is refused', async () => {
    const run = new SimulatedRun({ nodes: 2, versionOf: (node) => (node === 1 ? '0.9.0' : '1.0.0') });
    runs.push(run);
    const launcher = await run.open();
    const error = await rejection(launcher.up());
    expect(error.message).to.match(/0\.9\.0.*1\.0\.0/);
    await launcher.down();
    expect([...run.alive]).to.deep.equal([]);
  });
});
