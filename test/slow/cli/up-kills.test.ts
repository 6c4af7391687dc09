import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { limits } from '#src/limits.js';
import { Folder, messages, type Started } from '../../cli/millrace.js';
import { commandsOfRun, runFolders, sharedMemoryOfNobody, socketsBelow } from '../../cli/runs.js';
import { eventually } from '../../support/until.js';

const MARKET = JSON.stringify(resolve('examples/service/gen/market.js'));

/** What `millrace ps --json` prints. */
interface Described {
  readonly controlPlane: string;
  readonly processes: { readonly name: string }[];
}

/** Which process of a run is killed, and the exit code of `millrace up` then; undefined where that is killed itself. */
const VICTIMS = [
  { title: 'a worker', pattern: /worker\.js/, code: 4, is: 'survived' },
  { title: 'the head', pattern: /up-head\.js/, code: 137, is: 'ended' },
  { title: 'global services', pattern: /global services/, code: 4, is: 'lost' },
  { title: 'the primary node', pattern: /millrace \S+ node-0/, code: 4, is: 'lost' },
  { title: 'another node', pattern: /millrace \S+ node-1/, code: 4, is: 'lost' },
  { title: 'the launcher', pattern: /millrace\.js up/, code: null, is: 'killed' },
] as const;

describe('millrace up, when a process of the run is killed under load', function () {
  this.timeout(300_000);
  let folder: Folder;
  /** What others have left. */
  let known: ReadonlySet<string>;

  before(() => {
    folder = new Folder();
    folder.write(
      'quotes.js',
      `import { behavior, component } from 'millrace';
import { Market } from ${MARKET};
export const quotes = component('quotes', import.meta.url, Market, () =>
  behavior(Market, { observe: () => {}, fail: () => ({}), async *watch() {}, quote: (_, { symbol }) => ({ symbol }) }));`,
    );
    folder.write(
      'stays.js',
      `import { spawn } from 'node:child_process';
import { MillraceError, Runtime } from 'millrace';
import { quotes } from './quotes.js';
spawn('sleep', ['600']);
process.on('SIGUSR2', () => process.exit(0));
const runtime = await Runtime.current();
await runtime.place(quotes, { on: { process: 'global-services' }, timeoutMs: 500 }).then(
  () => console.error('wrong answer: global services have taken an actor'),
  () => {},
);
const ref = await runtime.place(quotes, { on: { node: 'node-1' }, timeoutMs: 30_000 });
let answers = 0;
async function ask(symbol) {
  for (;;) {
    try {
      const quote = await ref.quote({ symbol }, { timeoutMs: 2_000 });
      if (quote.symbol !== symbol) console.error('wrong answer');
      if (++answers === 1_000) console.error('under load');
    } catch (error) {
      if (!(error instanceof MillraceError)) console.error('wrong error', error);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
for (let index = 0; index < 16; index++) void ask('symbol-' + index);
setInterval(() => console.log(answers), 5);`,
    );
    known = new Set(sharedMemoryOfNobody());
  });

  after(() => folder.remove());

  async function start(env: Readonly<Record<string, string>> = {}): Promise<Started> {
    const started = folder.start(['up', 'stays.js', '--nodes', '2'], { XDG_RUNTIME_DIR: folder.path, ...env });
    await started.says('is up: 2 nodes');
    await started.says('under load');
    return started;
  }

  const found = (pattern: RegExp) => commandsOfRun(folder.path).find(({ command }) => pattern.test(command));

  async function nothingIsLeft(): Promise<void> {
    await eventually(() => commandsOfRun(folder.path).length === 0 && runFolders(folder.path).length === 0);
    // The kernel closes the files of a process after it has lost its environment.
    await eventually(() => socketsBelow(folder.path).length === 0);
    await eventually(() => sharedMemoryOfNobody().every((name) => known.has(name)));
  }

  for (const { title, pattern, code, is } of VICTIMS) {
    it(`${title}: ends with exit code ${code}, and leaves no process and no file`, async () => {
      const started = await start();
      process.kill(found(pattern)?.pid ?? 0, 'SIGKILL');
      if (is === 'survived') {
        await started.says('worker-1 of node-1 has ended by itself, and the run goes on without it');
        process.kill(found(/up-head\.js/)?.pid ?? 0, 'SIGUSR2');
      }
      const ended = await started.ended;
      expect(ended.code, ended.stderr).to.equal(code);
      expect(ended.stderr).not.to.match(/wrong (answer|error)/);
      if (is === 'lost') expect(messages(ended).join('\n')).to.match(/ended by itself/);
      await nothingIsLeft();
    });
  }

  it('global services, in a run with a cluster store: others follow, as often as they are killed, and all goes on', async () => {
    const environment = {
      XDG_RUNTIME_DIR: folder.path,
      MILLRACE_CLUSTER_STORE: `embedded:${join(folder.path, 'store')}`,
    };
    const started = await start(environment);
    const other = await folder.run(['up', 'stays.js'], environment);
    expect(other.code).to.equal(1);
    expect(other.stderr).to.match(/is that of the run stays-js-\w+, which is up: give each run a store of its own/);
    const described = async (): Promise<Described> => {
      const { stdout, stderr } = await folder.run(['ps', '--json'], environment);
      expect(stdout, stderr).not.to.equal('');
      return JSON.parse(stdout) as Described;
    };
    const before = await described();
    expect(before.processes.map(({ name }) => name)).to.have.members(['head', 'worker-1']);
    for (let round = 0; round < 3; round += 1) {
      const places = commandsOfRun(folder.path).filter(({ command }) => /global services/.test(command));
      expect(places.length).to.be.greaterThan(0);
      const { controlPlane } = await described();
      // One of the two first, and then both: whichever serves is among them.
      for (const { pid } of places.slice(0, round + 1)) process.kill(pid, 'SIGKILL');
      await eventually(async () => {
        const { processes, controlPlane: now } = await described();
        return processes.length === 2 && (now !== controlPlane || round === 0);
      }, 60_000);
    }
    expect((await described()).processes).to.have.deep.members(before.processes);
    process.kill(found(/up-head\.js/)?.pid ?? 0, 'SIGUSR2');
    const ended = await started.ended;
    expect(ended.code, ended.stderr).to.equal(0);
    expect(ended.stderr).not.to.match(/wrong (answer|error)/);
    await nothingIsLeft();
  });

  it('none of them, and the launcher is stopped for longer than a cut link may be silent: all goes on, and no line is lost', async () => {
    folder.write(
      'counts.js',
      `let count = 0;
setInterval(() => console.log(count++), 20);
process.on('SIGTERM', () => { console.error('written', count); process.exit(0); });
console.error('begun');`,
    );
    const words = ['up', 'counts.js', '--nodes', '2', '--no-prefix'];
    const started = folder.start(words, { XDG_RUNTIME_DIR: folder.path });
    await started.says('begun');
    started.child.kill('SIGSTOP');
    // This time is what the test is about.
    await new Promise((resolve) => void setTimeout(resolve, limits.linkDeadMs + 3_000));
    started.child.kill('SIGCONT');
    await started.says('unresponsive');
    started.child.kill('SIGINT');
    const { code, stdout, stderr } = await started.ended;
    expect(code, stderr).to.equal(130);
    const lines = stdout.trim().split('\n');
    const count = Number(/\bwritten (\d+)/.exec(stderr)?.[1]);
    expect(count).to.be.greaterThan(10);
    expect(lines).to.deep.equal(Array.from({ length: count }, (_, index) => String(index)));
    await nothingIsLeft();
  });

  it('none of them: millrace cleanup leaves a run alone, also where its launcher is on another host', async () => {
    const started = await start();
    const [run = ''] = runFolders(folder.path);
    rmSync(join(folder.path, `millrace-${process.getuid?.() ?? 0}`, run, 'run.json'));
    const { code, stderr } = await folder.run(['cleanup'], { XDG_RUNTIME_DIR: folder.path });
    expect(code, stderr).to.equal(0);
    expect(stderr).to.contain('nothing is left of any run');
    expect(found(/worker\.js/)).to.not.equal(undefined);
    started.child.kill('SIGINT');
    await started.ended;
    await nothingIsLeft();
  });

  it('all of them at once: millrace cleanup removes what is left', async () => {
    const started = await start();
    // What a process has started may have ended with it by now.
    execFileSync(
      'sh',
      [
        '-c',
        `kill -9 ${commandsOfRun(folder.path)
          .map(({ pid }) => pid)
          .join(' ')} || true`,
      ],
      { stdio: 'ignore' },
    );
    await started.ended;
    expect(runFolders(folder.path)).to.have.length(1);
    const { code, stderr } = await folder.run(['cleanup'], { XDG_RUNTIME_DIR: folder.path });
    expect(code, stderr).to.equal(0);
    await nothingIsLeft();
  });
});
