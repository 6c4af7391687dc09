import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';

const run = promisify(execFile);

const messaging = [
  'millrace typed',
  'millrace raw',
  'nact',
  'comedy',
  'EventEmitter + microtask',
  'limit: ring mailbox',
];
const populations = ['millrace typed', 'nact', 'comedy', 'XState machine', 'EventEmitter', 'limit: ring mailbox'];
const links = [
  'millrace typed (ucx)',
  'millrace typed (unix)',
  'millrace typed (tcp)',
  'millrace raw (ucx)',
  'millrace raw (ucx tcp)',
  'millrace raw (unix)',
  'millrace raw (tcp)',
  'millrace raw (ws)',
  'millrace raw (zmq ipc)',
  'millrace raw (zmq tcp)',
  'node:net (unix)',
  'node:net (tcp)',
  'ws (tcp)',
  'zeromq (ipc)',
  'zeromq (tcp)',
  'grpc-js (tcp)',
  'millrace typed (ucx, threads)',
  'millrace typed (unix, threads)',
  'millrace raw (ucx, threads)',
  'millrace raw (unix, threads)',
  'MessagePort (clone, threads)',
  'MessagePort (transfer, threads)',
];
const loaded = [
  'millrace, one partition',
  'millrace, memory link',
  'millrace, unix',
  'millrace, tcp',
  'millrace, ucx',
  'millrace, unix to a thread',
];
const linksAndLimits = [...links, 'limit: ucx_perftest', 'limit: ucx_perftest (tcp)'];
const valuesAndLimit = [
  'millrace values',
  'millrace values, copied',
  'millrace values (threads)',
  'SharedArrayBuffer (threads)',
  'millrace typed (unix)',
  'node:net (unix)',
  'zeromq (ipc)',
  'grpc-js (tcp)',
  'MessagePort (transfer, threads)',
  'limit: memcpy',
];
const codecs = ['millrace typed', 'protobufjs static', 'protobufjs reflection', 'protobuf-es', 'JSON', 'v8.serialize'];

/** What each suite promises: question -> subjects. */
const promises: Record<string, Record<string, string[]>> = {
  kernel: {
    'tell-batch': [...messaging, 'XState machine', 'XState transition'],
    ask: messaging,
    'ask-pipelined': messaging,
    spawn: populations,
    'idle-actor': populations,
    ring: messaging.filter((subject) => subject !== 'millrace raw'),
  },
  codec: { encode: codecs, decode: codecs, view: ['millrace view', 'millrace typed', 'protobufjs static'] },
  start: {
    start: ['millrace typed', 'millrace typed, logging', 'nact', 'comedy'],
    import: ['millrace typed', 'nact', 'comedy', 'XState', 'limit: an empty module'],
    'idle-cpu': ['millrace typed', 'millrace typed, 4 partitions', 'nact', 'comedy', 'limit: Node alone'],
  },
  load: {
    overload: [...loaded, 'nact, one process', 'grpc-js, tcp'],
    fairness: [...loaded, 'nact, one process', 'zeromq, tcp'],
  },
  cluster: {
    place: ['millrace place', 'limit: a new thread or process'],
    lookup: ['millrace lookup'],
    'ask-group': [
      'millrace, direct',
      'millrace group, round-robin',
      'millrace group, least-loaded',
      'millrace group, hash',
    ],
    'ask-thread': ['millrace typed', 'Piscina run', 'limit: MessagePort ping'],
    failover: ['millrace, another candidate', 'millrace, started again at its address'],
    'killed-leader': ['millrace'],
    membership: ['millrace'],
  },
  launch: { launch: ['millrace up', 'pm2 start'], 'virtual-launch': ['millrace'] },
  transport: {
    'one-way': linksAndLimits,
    'ask-pipelined': links,
    'ask-busy': linksAndLimits,
    'ask-asleep': links,
    stream: linksAndLimits,
  },
  descriptors: { deliver: valuesAndLimit, 'read-all': valuesAndLimit },
};
/** Of a question, or of all of a suite, where there is more than one. */
const sizes: Record<string, number> = {
  'idle-actor': 2,
  encode: 6,
  decode: 6,
  view: 2,
  overload: 4,
  fairness: 2,
  cluster: 2,
  membership: 12,
  launch: 6,
  'virtual-launch': 6,
  transport: 5,
  descriptors: 4,
};
/** Measured besides, where both ends are ours to look at. */
const CPU = 'CPU time of both ends, per message';
/** The first metric of each question of `load`; it has others besides. */
const LOAD = /^(asks answered|fairness)/;

interface Row {
  readonly question: string;
  readonly subject: string;
  readonly size: string;
  readonly metric: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
  readonly note?: string;
}

const noPerftest = 'ucx_perftest is not installed. Debian: apt-get install ucx-utils';
const columns = ['question', 'subject', 'size', 'metric', 'unit', 'median', 'min', 'max', 'runs'];

const sections: Record<string, string> = {
  kernel: 'Kernel',
  codec: 'Envelope codec',
  start: 'Start-up',
  load: 'Load',
  cluster: 'Cluster',
  launch: 'Launch',
  transport: 'Transport',
  descriptors: 'Large values',
};
/** What stands in each table of a copy of docs/benchmarks.md before it is renewed. */
const OLD = '| old |';

/** Processes of pm2 that a benchmark has started. Only Linux has their environments as files. */
async function daemonsOfPm2(): Promise<string[]> {
  if (process.platform !== 'linux') return [];
  const environments = (await readdir('/proc'))
    .filter((name) => /^\d+$/.test(name))
    .map(async (pid) => [pid, await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')] as const);
  return (await Promise.all(environments)).flatMap(([pid, text]) =>
    /PM2_HOME=\S*millrace-bench-/.test(text) ? [pid] : [],
  );
}

describe('npm run bench', function () {
  this.timeout(300_000);
  let folder = '';
  let docs = '';

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
    docs = join(folder, 'benchmarks.md');
    const text = await readFile('docs/benchmarks.md', 'utf8');
    await writeFile(docs, text.replaceAll(/^(`.+\n\n)(\|.*\n)+/gm, `$1${OLD}\n`));
  });

  after(() => rm(folder, { recursive: true, force: true }));

  for (const [suite, questions] of Object.entries(promises)) {
    it(`${suite} prints a table for each question, writes every promised row, and renews every table of docs/benchmarks.md`, async () => {
      const file = join(folder, `${suite}.json`);
      const { stdout } = await benchAlone(suite, '--quick', '--json', file, '--docs', docs);
      const rows = JSON.parse(await readFile(file, 'utf8')) as Row[];
      const found: Record<string, string[]> = {};
      for (const row of rows) {
        if (row.metric !== CPU && (suite !== 'load' || LOAD.test(row.metric)))
          (found[row.question] ??= []).push(row.subject);
        // What is not installed here is told, and not measured.
        if (row.note === undefined) expectMeasured(row);
        else expect(row.note).to.match(/apt-get install/);
      }
      if (suite === 'transport') expect(stdout).to.include(`limit: ucx_perftest: ${noPerftest}`);
      for (const [question, subjects] of Object.entries(questions)) {
        const expected = subjects.flatMap((subject) =>
          Array.from({ length: sizes[question] ?? sizes[suite] ?? 1 }, () => subject),
        );
        expect(found[question]?.toSorted(), question).to.deep.equal(expected.toSorted());
        expect(stdout).to.include(`### ${question}: `);
      }
      expect(Object.keys(found)).to.have.members(Object.keys(questions));
      const section = await sectionOf(docs, suite);
      expect(section, 'docs/benchmarks.md').to.not.include(OLD);
      for (const subject of Object.values(questions).flat()) expect(section).to.include(`| ${subject} |`);
    });
  }

  it('leaves no daemon of pm2', async () => {
    await bench('launch', '--quick', '--only', 'launch', '--subject', 'pm2');
    expect(await daemonsOfPm2()).to.deep.equal([]);
  });

  it('asks one question where only one is wanted', async () => {
    const { stdout } = await bench('start', '--quick', '--only', 'import');
    expect(stdout.match(/^### \w+/gm)).to.deep.equal(['### import']);
  });

  it('measures UCX by its own program, or names the command that brings that', async () => {
    const file = join(folder, 'limits.json');
    await bench('transport', '--quick', '--only', 'one-way', '--subject', 'ucx_perftest', '--json', file);
    const rows = JSON.parse(await readFile(file, 'utf8')) as Row[];
    expect(rows).to.have.length(10);
    for (const row of rows) {
      if (row.note === undefined) expectMeasured(row);
      else expect(row).to.include({ note: noPerftest, median: null, runs: 0 });
    }
  });

  for (const wrong of [
    [],
    ['nothing'],
    ['kernel', 'codec'],
    ['kernel', '--fast'],
    ['codec', '--only', 'ask'],
    ['codec', '--subject', 'a b'],
    ['codec', '--patience', '0'],
    ['codec', '--docs', 'nowhere.md'],
    ['codec', '--docs', 'README.md', '--subject', 'JSON'],
  ]) {
    it(`refuses "${wrong.join(' ')}", and says what it takes`, async () => {
      const failure = await bench(...wrong).then(
        () => undefined,
        (error: unknown) => error as { readonly code: number; readonly stderr: string },
      );
      expect(failure?.code).to.equal(2);
      expect(failure?.stderr)
        .to.match(/^bench: /)
        .and.include('usage: npm run bench');
    });
  }
});

/** What docs/benchmarks.md says of a suite. */
async function sectionOf(docs: string, suite: string): Promise<string> {
  const parts = (await readFile(docs, 'utf8')).split(/^## /m);
  return parts.find((part) => part.startsWith(`${sections[suite]}\n`)) ?? '';
}

function bench(...args: string[]) {
  return run(process.execPath, ['build/bench/main.js', ...args], { encoding: 'utf8' });
}

/** Where no program is found: those that spin take the cores from all others. */
function benchAlone(...args: string[]) {
  return run(process.execPath, ['build/bench/main.js', ...args], {
    encoding: 'utf8',
    env: { ...process.env, PATH: '/nowhere' },
  });
}

function expectMeasured(row: Row): void {
  expect(Object.keys(row)).to.deep.equal(columns);
  expect(row.median, row.question).to.be.within(row.min, row.max);
  expect(row.runs).to.equal(1);
  if (row.metric === CPU) expect(row.unit).to.equal('us');
}
