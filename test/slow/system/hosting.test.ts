import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { childrenOf, isThere } from '../../actors/runtime/hosting/processes.js';
import { Folder } from '../../cli/millrace.js';
import { eventually } from '../../support/until.js';
import { pendingBecause } from '../../support/pending.js';
import { root } from '../../system/root.js';

/** A pipeline that may block the event loop of a partition. */
const farFlow = new URL('../../actors/runtime/hosting/far-flow.js', import.meta.url).href;

/** A program with three partitions, two of them elsewhere, that says when they are there. */
const program = (placement: string, rest = ''): string => `
  import { readdirSync, readFileSync } from 'node:fs';
  import { Executor, Runtime, silentLogger, stopOnSignals } from 'millrace';
  const isOurs = (task) => readFileSync('/proc/self/task/' + task + '/comm', 'utf8') !== 'async\\n'; // UCX has one, too.
  const tasks = () => Object.fromEntries(readdirSync('/proc/self/task').filter(isOurs).map((task) => [
    task, /Cpus_allowed_list:\\s*(\\S+)/.exec(readFileSync('/proc/self/task/' + task + '/status', 'utf8'))[1],
  ]));
  const executor = new Executor({ net: { socketFolder: process.env.SOCKETS } });
  const runtime = await executor.start({ system: { partitions: 3 }, placement: '${placement}' });
  const keep = setInterval(() => {}, 60_000);
  ${rest}
  console.log('up');`;

describe('a process with hosted partitions', function () {
  this.timeout(180_000);
  let child: ChildProcess | undefined;
  let children: readonly number[] = [];
  let sockets = '';

  beforeEach(() => {
    sockets = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  });

  afterEach(() => {
    child?.kill('SIGKILL');
    for (const pid of children.filter(isThere)) process.kill(pid, 'SIGKILL');
    rmSync(sockets, { recursive: true });
  });

  async function start(code: string): Promise<{ readonly next: () => Promise<string>; readonly pid: number }> {
    child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
      cwd: root,
      env: { ...process.env, SOCKETS: sockets },
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    const { stdout, pid } = child;
    if (stdout === null || pid === undefined) throw new Error('it did not start');
    const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<string> => String((await lines.next()).value);
    expect(await next()).to.equal('up');
    children = childrenOf(pid);
    return { next, pid };
  }

  const left = (): string[] => readdirSync(sockets).filter((name) => name.startsWith('millrace-link'));

  it('that is killed takes its child processes with it, which leave nothing', async () => {
    const { pid } = await start(program('process'));
    expect(children).to.have.length(2);
    expect(left()).to.have.length.within(3, 6);
    const perProcess = left().length / 3;
    process.kill(pid, 'SIGKILL');
    await eventually(() => !children.some(isThere));
    // It could not remove its own.
    await eventually(() => left().length === perProcess);
  });

  it('that is killed takes a child process with it whose event loop is blocked, within seconds', async function () {
    if (process.platform !== 'linux') return pendingBecause(this, 'only Linux tells of the end of a parent');
    const { pid } = await start(
      program(
        'process',
        `const { default: flow } = await import('${farFlow}');
         const notes = process.env.SOCKETS + '/notes';
         const [, ordinal] = runtime.ordinals;
         const args = { notes, count: 100, deed: 'hang', at: 5 };
         (await runtime.run(flow, { args, partitions: { stage: [ordinal] } })).done.catch(() => {});
         const staged = () => readFileSync(notes, 'utf8').split('"staged"').length - 1;
         while (runtime.health().partitions.find((each) => each.ordinal === ordinal)?.state !== 'busy' || staged() < 5)
           await new Promise((resolve) => setTimeout(resolve, 50));`,
      ),
    );
    process.kill(pid, 'SIGKILL');
    await eventually(() => !children.some(isThere));
  });

  it('drains in order when all processes of a service are sent SIGTERM', async () => {
    const { next, pid } = await start(
      program(
        'process',
        `const { stopped } = stopOnSignals(runtime, { drainTimeoutMs: 60_000, before: async () => {
           await new Promise((resolve) => setTimeout(resolve, 300));
           console.log('partitions', runtime.ordinals.length, runtime.health().problems.join());
         } });
         stopped.then(({ isDrained }) => { console.log('drained', isDrained); clearInterval(keep); });`,
      ),
    );
    const ended = child && once(child, 'exit');
    for (const each of [...children, pid]) process.kill(each, 'SIGTERM');
    expect(await next()).to.equal('partitions 3 The runtime is draining.');
    expect(await next()).to.equal('drained true');
    expect(await ended).to.deep.equal([0, null]);
    expect(children.filter(isThere)).to.deep.equal([]);
    expect(left()).to.deep.equal([]);
  });

  it("has none but the partitions' own threads pinned, Node's pool least of all", async () => {
    const { next, pid } = await start(
      program(
        'thread',
        `const { stat } = await import('node:fs/promises');
         await Promise.all(Array.from({ length: 16 }, () => stat('/')));
         const pinned = runtime.describe().partitions.slice(1).map(({ thread }) => String(thread));
         const others = Object.entries(tasks()).filter(([task]) => !pinned.includes(task)).map(([, cpus]) => cpus);
         setTimeout(() => console.log(pinned.length, [...new Set(others)].length, others.length > 5), 1);`,
      ),
    );
    expect(childrenOf(pid)).to.deep.equal([]);
    expect(await next()).to.equal('2 1 true');
  });

  for (const signal of ['SIGINT', 'SIGINT twice'] as const) {
    it(`ends at ${signal === 'SIGINT' ? 'Ctrl-C in order' : 'the second Ctrl-C at once'}, and its child processes too`, async () => {
      const folder = new Folder();
      try {
        folder.writePipeline('endless.js', {
          read:
            signal === 'SIGINT'
              ? `for (;;) { await output.write({ delay: 1 }); await new Promise((go) => setTimeout(go, 5)); }`
              : 'await new Promise(() => setInterval(() => {}, 1000));',
          print:
            "context.signal.addEventListener('abort', () => console.log('told to stop')); for await (const flight of input);",
        });
        const run = folder.start(['run', 'endless.js', '--partitions', '3', '--placement', 'process']);
        child = run.child;
        await run.says('queued');
        children = childrenOf(run.child.pid ?? 0);
        expect(children).to.have.length(2);
        run.child.kill('SIGINT');
        if (signal === 'SIGINT twice') {
          await run.says('Ctrl-C again');
          run.child.kill('SIGINT');
        }
        const { code, stdout, stderr } = await run.ended;
        expect(code, stderr).to.equal(130);
        // The sink runs in one of the child processes.
        if (signal === 'SIGINT') expect(stdout).to.equal('told to stop\n');
        await eventually(() => !children.some(isThere));
      } finally {
        await folder.remove();
      }
    });
  }
});
